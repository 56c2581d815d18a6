//! What operators ask and tell a fleet.

use std::process::ExitCode;

use clap::Parser as _;
use fleet::ctl::Arguments;

fn main() -> ExitCode {
    fleet::ctl::run(&Arguments::parse())
}
