//! Recognises WAV files against a catalog: `listen CATALOG WAV…`.

use std::path::Path;

use asr::{Grammar, Models, Recogniser};
use domain::text::Lang;
use voice::{CMUDICT, Evidence, Lexicon, Matcher, Menu, Sayings, Screen, Sound, Thresholds, Transcript};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("listen CATALOG WAV…")?;
    let catalog = protocol::catalog::parse_json(&std::fs::read(&file)?, &file)?.into_domain()?;
    let lexicon = Lexicon::read(Path::new(CMUDICT))?;
    let menu = Menu::of(&catalog, &Lang::new("en"), &Sayings::default(), &|item| item.sold_out.is_none())?;
    let matcher = Matcher::compile(&lexicon, &menu, Screen::Menu, Thresholds::default())?;
    let mut recogniser = Recogniser::new(Models::default())?;
    let start = std::time::Instant::now();
    recogniser.set_grammar(Grammar::from_context(&matcher.recogniser_context()).ok_or("context")?)?;
    println!("grammar in {:?}", start.elapsed());
    for file in arguments {
        let sound = Sound::read_wav(Path::new(&file))?;
        let start = std::time::Instant::now();
        let found = recogniser.recognise(&sound.0)?;
        let took = start.elapsed();
        let frame = matcher.hear(&Transcript::new(found.text.clone()), Evidence { llr: found.llr });
        println!("{file}: {:?} llr {:?} of {} frames in {took:?}", found.text, found.llr, found.frames);
        println!("    {} | {:?}", frame.summary(), frame.decision);
    }
    Ok(())
}
