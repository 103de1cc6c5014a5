"""Coverage-guided fuzzing of everything that comes from outside: requests and files. See docs/fuzzing.md."""
