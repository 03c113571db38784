"""Family: what each stage runs, and which evidence it leaves."""
