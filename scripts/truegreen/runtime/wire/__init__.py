"""Small parts of wire protocols: what it takes to ask a server what it kept, without its driver."""
