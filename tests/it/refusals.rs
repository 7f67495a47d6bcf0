//! What is refused, and how: code, place, help, exit code, and nothing half-written.
