//! The project's own commands, run by `./dev`: `demo`, `test`, `check`, `tidy`, `bench`, `image`, `vm`.

mod bench;
mod check;
mod demo;
mod image;
mod run;
mod soak;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
./dev demo [--data DIR] [--window] [--landscape]
                                        run the kiosk with emulated devices and say what to open
./dev demo --script --out DIR           perform whole orders as a browser would; saves screenshots and the receipt
./dev test [NAME]                       every check and test
./dev soak chaos --minutes N --seed S   break everything between kiosks and fleet, compare the books in the end
./dev soak vm                           in the image, booted in QEMU: every script of ./dev vm
./dev check yocto                       the Yocto layers, without a network
./dev check guest                       an order in the image, booted in QEMU
./dev tidy                              only the checks that need no build
./dev image [--dev] [--pack] [--programs DIR]
                                        make the disk of a kiosk; --dev with root on its serial consoles
./dev vm [DISK] [--check] [--shot FILE] boot a disk in QEMU; docs/image.md has all options
./dev vm [DISK] --script order|mishaps|trials|update|fallbacks [--out DIR]
                                        in the guest of a disk for a bench: an order; what happens to a kiosk in its
                                        life; releases on trial; by a fleet: an update, bad releases, power cuts
./dev bench [AREA] [--json FILE]        measure, ours and the peers side by side
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let asks_for_help = rest.iter().any(|argument| argument == "--help" || argument == "-h");
    let command = if asks_for_help { Some("help") } else { arguments.first().map(String::as_str) };
    let result = match command {
        Some("demo") => demo::demo(rest),
        Some("test") => test::test(rest),
        Some("check") => check::check(rest),
        Some("soak") => soak::soak(rest),
        Some("tidy") => tidy::tidy(),
        Some("image") => image::image(rest),
        Some("vm") => image::vm(rest),
        Some("bench") => bench::bench(rest),
        Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(anyhow::anyhow!("there is no command {other:?}\n{HELP}")),
        None => Err(anyhow::anyhow!("which command?\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
