"""What several stages share: context, project environment, pytest runs."""
