//! The project's own commands: `cargo xtask demo|test|tidy|bench|assets`.

fn main() {}
