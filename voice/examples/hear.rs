//! Reads texts against a catalog: `hear CATALOG TEXT…`.

use std::path::Path;

use domain::text::Lang;
use voice::{CMUDICT, Evidence, Lexicon, Matcher, Menu, Sayings, Screen, Thresholds, Transcript};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("hear CATALOG TEXT…")?;
    let document = protocol::catalog::parse_json(&std::fs::read(&file)?, &file)?;
    let catalog = document.into_domain()?;
    let lexicon = Lexicon::read(Path::new(CMUDICT))?;
    let menu = Menu::of(&catalog, &Lang::new("en"), &Sayings::default(), &|item| item.sold_out.is_none())?;
    let start = std::time::Instant::now();
    let matcher = Matcher::compile(&lexicon, &menu, Screen::Menu, Thresholds::default())?;
    println!("{:?} states and arcs, {:?}", matcher.size(), start.elapsed());
    for text in arguments {
        if text == "--jsgf" {
            println!("{}", matcher.jsgf());
            continue;
        }
        let start = std::time::Instant::now();
        let frame = matcher.hear(&Transcript::new(text), Evidence::default());
        if std::env::var_os("PARTS").is_some() {
            for p in &frame.parts {
                println!("   {p:?}");
            }
            for a in &frame.acts {
                println!("   {a:?}");
            }
        }
        println!(
            "{} | {:?} | cost {} coverage {} conf {} | {:?}",
            frame.summary(),
            frame.decision,
            frame.cost,
            frame.coverage_pm,
            frame.conf_pm,
            start.elapsed()
        );
    }
    Ok(())
}
