//! Prints the test page on a real or emulated printer and says how it ended.
//!
//! ```text
//! cargo run -p hal --example print_test_page -- tcp://127.0.0.1:9100 tm-t88v [FONT.ttf …]
//! ```

use std::error::Error;
use std::time::Duration;

use hal::link::{Endpoint, Link};
use hal::printer::{EscposPrinter, JobNumber, PrintOutcome, Profile, Start, TextShaper, test_page};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let endpoint: Endpoint = arguments.next().ok_or("first argument: the endpoint")?.parse()?;
    let profile = arguments.next().and_then(|id| Profile::builtin(&id));
    let profile = profile.ok_or("second argument: tm-t88v, nt-5890k or plain-80")?;
    let fonts = arguments.map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
    let shaper = if fonts.is_empty() { None } else { Some(TextShaper::new(fonts)?) };

    let page = test_page(&profile, "Test page");
    let link = Link::open(&endpoint, Duration::from_secs(5)).await?;
    let mut printer = EscposPrinter::connect(link, profile, shaper, Start::Clean).await?;
    println!("connected: {:?}, {:?}", printer.condition().state(), printer.identity());
    let outcome = printer.print(&page, JobNumber::from_count(1)).await;
    println!("{outcome:?}");
    match outcome {
        PrintOutcome::Confirmed | PrintOutcome::Sent => Ok(()),
        PrintOutcome::Unknown(why) => Err(why.into()),
        PrintOutcome::NotStarted(why) => Err(why.into()),
    }
}
