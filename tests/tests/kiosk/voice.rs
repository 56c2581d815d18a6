//! Ordering by voice with the real programs: synthetic speech, the microphone's path, the recogniser in its own
//! process, the draft on the screen, the order that is paid.

use std::fs;
use std::io::BufReader;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kioskd::admin::wire::Request;
use serde_json::json;
use tempfile::TempDir;
use tests::Hearing;
use tests::hearing;
use tests::process::wait_until;
use voice::wyoming::Event;

use super::{SOON, Shop};

/// An order that asks nothing back.
const TWO: &str = "can i get two cappuccinos";

/// Longer than a tap.
const HELD: Duration = Duration::from_millis(600);

/// A kiosk that hears: its microphone is a file, its recogniser a process of its own.
struct Talk {
    shop: Shop,
    hearing: Option<Hearing>,
    place: TempDir,
}

impl Talk {
    fn open() -> Self {
        let place = tempfile::tempdir().unwrap();
        let hearing = Hearing::start(place.path()).unwrap();
        Self::with(place, Some(hearing))
    }

    /// A kiosk whose recogniser is in this folder; `None`: somebody else's business.
    fn with(place: TempDir, hearing: Option<Hearing>) -> Self {
        speak(place.path(), "hello");
        let section = hearing::settings(place.path(), &place.path().join("said.wav"));
        let settings = format!(
            "{section}\n[log]\nfilter = 'info,kioskd=trace,voice=trace,hal=trace,domain=trace,ui=trace'\n"
        );
        let mut shop = Shop::open_with(&[], &settings);
        shop.customer.sit_down().unwrap();
        let talk = Self { shop, hearing, place };
        talk.hears("ready");
        talk
    }

    /// Waits until the status says so of the recogniser.
    fn hears(&self, state: &str) {
        let said = wait_until(SOON, || {
            let status = self.shop.rig.ask(&Request::Status).ok()?;
            let is = |device: &str| status["devices"][device].as_str().map(str::to_lowercase);
            let found = is("recogniser")?.starts_with(state) && is("microphone")?.starts_with("ready");
            found.then_some(())
        });
        said.unwrap_or_else(|| panic!("the recogniser is {state}"));
    }

    /// Holds the button while these words are said, and waits for the page that follows.
    fn say(&mut self, words: &str, pages: &[&str]) -> String {
        let length = speak(self.place.path(), words);
        self.hold(length + HELD);
        self.see(pages)
    }

    fn hold(&mut self, length: Duration) {
        let (x, y) = self.shop.customer.place("Speak").unwrap();
        let mirror = &mut self.shop.customer.mirror;
        mirror.pointer("down", x, y).unwrap();
        mirror.wait_page("menu/listening", SOON).unwrap();
        mirror.receive_for(length).unwrap();
        mirror.pointer("up", x, y).unwrap();
    }

    fn see(&mut self, pages: &[&str]) -> String {
        let mirror = &mut self.shop.customer.mirror;
        mirror.wait(&format!("{pages:?}"), SOON, |m| pages.contains(&m.screen().id.as_str())).unwrap();
        mirror.screen().id.clone()
    }
}

/// Writes what the microphone hears next; tells how long it is.
fn speak(place: &Path, words: &str) -> Duration {
    let (raw, made) = (place.join("raw.wav"), place.join("made.wav"));
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
    run(Command::new("espeak-ng").args(["-v", "en-us", "-s", "140", "-w"]).arg(&raw).arg(words));
    // As the recogniser takes it: what is heard is then what is in the file, sample by sample.
    run(Command::new("sox").arg(&raw).args(["-r", "16000", "-c", "1", "-b", "16"]).arg(&made));
    let bytes = fs::metadata(&made).unwrap().len();
    // Whoever listens reads the old file or the new one, never a half.
    fs::rename(&made, place.join("said.wav")).unwrap();
    Duration::from_millis(bytes * 1_000 / 32_000)
}

/// Every file below these folders, with its bytes.
fn files(folders: &[&Path]) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.is_file() {
                found.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    found
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn a_spoken_order_is_shown_agreed_to_paid_and_printed() {
    let mut talk = Talk::open();
    talk.say(TWO, &["menu/draft"]);
    assert_eq!(
        talk.shop.rig.ask(&Request::Orders { limit: 9 }).unwrap(),
        json!([]),
        "nothing is ordered yet"
    );
    talk.shop.customer.press_to("Add to order", "menu").unwrap();
    // Small or large is asked, and answered by touch.
    talk.say("a latte please", &["menu/question"]);
    talk.shop.customer.press_to("Large", "menu/draft").unwrap();
    talk.shop.customer.press_to("Add to order", "menu").unwrap();
    talk.shop.customer.press_to("Review order", "cart").unwrap();
    talk.shop.customer.press_to("Pay", "pay-choose").unwrap();
    talk.shop.customer.press("Pay").unwrap();
    talk.shop.see("done");
    let books = talk.shop.settled_books();
    assert_eq!(books.paid, 1);
    let receipt = talk.shop.rig.dir.join("sim/receipts/receipt-0001.txt");
    wait_until(SOON, || receipt.exists().then_some(())).expect("a receipt is printed");
    let text = fs::read_to_string(receipt).unwrap();
    for words in ["Cappuccino", "Latte", "Large"] {
        assert!(text.contains(words), "the receipt says {words}:\n{text}");
    }
    // The recogniser has heard the words, and neither printed them nor left a file.
    let log = fs::read_to_string(talk.place.path().join("kiosk-asr.log")).unwrap().to_lowercase();
    assert!(!log.contains("cappuccino") && !log.contains("latte"), "{log}");
    assert_eq!(fs::read_dir(hearing::temporary(talk.place.path())).unwrap().count(), 0);
}

#[test]
fn a_recogniser_that_dies_while_somebody_speaks_takes_the_voice_with_it_until_it_is_back() {
    let mut talk = Talk::open();
    let length = speak(talk.place.path(), TWO);
    let (x, y) = talk.shop.customer.place("Speak").unwrap();
    talk.shop.customer.mirror.pointer("down", x, y).unwrap();
    talk.shop.customer.mirror.wait_page("menu/listening", SOON).unwrap();
    talk.hearing.as_mut().unwrap().kill().unwrap();
    talk.shop.customer.mirror.receive_for(length + HELD).unwrap();
    talk.shop.customer.mirror.pointer("up", x, y).unwrap();
    talk.hears("absent");
    assert!(talk.shop.rig.is_running(), "the kiosk goes on");
    talk.see(&["menu"]);
    // The button is gone: where it was stands another one.
    talk.shop.customer.mirror.press(x, y).unwrap();
    talk.see(&["menu/easier"]);
    talk.shop.customer.mirror.press(300.0, 200.0).unwrap();
    talk.see(&["menu"]);
    talk.hearing = Some(Hearing::start(talk.place.path()).unwrap());
    talk.hears("ready");
    talk.say(TWO, &["menu/draft"]);
}

/// A recogniser that hears an order, then a word of which nobody knows anything, then nothing but trouble.
fn gossip(place: &Path) {
    let listener = UnixListener::bind(hearing::socket(place)).unwrap();
    let answers = [
        json!({"text": TWO, "language": CANARY, "context": {"heard": CANARY}}),
        json!({"text": format!("{CANARY} {CANARY} {CANARY}")}),
    ];
    std::thread::Builder::new()
        .spawn(move || {
            let mut answers = answers.into_iter();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut writer = stream.try_clone().unwrap();
                let mut reader = BufReader::new(stream);
                while let Ok(Some(event)) = Event::read(&mut reader) {
                    let answer = match event.kind.as_str() {
                        "describe" => Event::new("info", json!({"asr": [], "name": CANARY})),
                        "audio-stop" => match answers.next() {
                            Some(heard) => Event::new("transcript", heard),
                            None => Event::new("error", json!({"text": CANARY})),
                        },
                        _ => continue,
                    };
                    // Whoever asked may have gone.
                    if answer.write(&mut writer).is_err() || event.kind == "audio-stop" {
                        break;
                    }
                }
            }
        })
        .unwrap();
}

/// A word that is on no menu and in no program.
const CANARY: &str = "zorblatt";

#[test]
fn neither_sound_nor_words_of_what_was_said_are_anywhere_afterwards() {
    let place = tempfile::tempdir().unwrap();
    gossip(place.path());
    let mut talk = Talk::with(place, None);
    talk.say(TWO, &["menu/draft"]);
    talk.shop.customer.press_to("Add to order", "menu").unwrap();
    talk.shop.customer.press_to("Review order", "cart").unwrap();
    talk.shop.customer.press_to("Pay", "pay-choose").unwrap();
    talk.shop.customer.press("Pay").unwrap();
    talk.shop.see("done");
    talk.shop.customer.press_to("Done", "attract").unwrap();
    talk.shop.customer.sit_down().unwrap();
    talk.say("zorblatt zorblatt", &["menu/remark"]);
    talk.say("zorblatt", &["menu/remark"]);
    for question in [Request::Dump, Request::Status, Request::Devices] {
        let told = talk.shop.rig.ask(&question).unwrap().to_string().to_lowercase();
        assert!(!told.contains(CANARY), "{question:?} tells the word");
    }
    talk.shop.rig.stop_kiosk().unwrap();
    // Of the sound, what is loud: silence is everywhere.
    let wav = fs::read(talk.place.path().join("said.wav")).unwrap();
    let loud = wav[44..].chunks_exact(512).max_by_key(|part| {
        let samples = part.chunks_exact(2).map(|pair| i64::from(i16::from_le_bytes([pair[0], pair[1]])));
        samples.map(|sample| sample * sample).sum::<i64>()
    });
    let loud = loud.unwrap();
    let utf16: Vec<u8> = CANARY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let kept = files(&[&talk.shop.rig.dir]);
    assert!(kept.iter().any(|(path, bytes)| path.ends_with("kioskd.log") && bytes.len() > 1_000));
    for (path, bytes) in kept {
        let lower = bytes.to_ascii_lowercase();
        assert!(!contains(&lower, CANARY.as_bytes()), "{} has the word", path.display());
        assert!(!contains(&lower, &utf16), "{} has the word in UTF-16", path.display());
        assert!(!contains(&lower, TWO.as_bytes()), "{} has the sentence", path.display());
        assert!(!contains(&bytes, loud), "{} has the sound", path.display());
    }
}
