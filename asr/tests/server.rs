//! The real recogniser over its real socket: spoken orders, broken clients, grammars that change.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use asr::{Grammar, Models, Recogniser, serve};
use serde_json::{Value, json};
use voice::wyoming::{Client, ClientError, Event, Request};
use voice::{
    CMUDICT, Decision, Evidence, Lexicon, Matcher, Menu, Sayings, Screen, Sound, Thresholds, Transcript,
};

fn matcher() -> Matcher {
    let text = std::fs::read("../catalog/alder-and-rye/catalog.json").unwrap();
    let catalog = protocol::catalog::parse_json(&text, "catalog.json").unwrap().into_domain().unwrap();
    let lexicon = Lexicon::read(Path::new(CMUDICT)).unwrap();
    let lang = domain::text::Lang::new("en");
    let menu = Menu::of(&catalog, &lang, &Sayings::default(), &|_| true).unwrap();
    Matcher::compile(&lexicon, &menu, Screen::Menu, Thresholds::default()).unwrap()
}

/// Speech of Debian's espeak-ng, as a recogniser takes it.
fn spoken(dir: &Path, text: &str) -> Sound {
    let (raw, wav) = (dir.join("raw.wav"), dir.join("said.wav"));
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
    run(Command::new("espeak-ng").args(["-v", "en-us", "-s", "140", "-w"]).arg(&raw).arg(text));
    run(Command::new("sox").arg(&raw).args(["-r", "16000", "-c", "1", "-b", "16"]).arg(&wav));
    Sound::read_wav(&wav).unwrap()
}

/// A server in this process; it ends with it.
fn served(dir: &Path) -> PathBuf {
    let path = dir.join("asr.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let recogniser = Recogniser::new(Models::default()).unwrap();
    std::thread::Builder::new().spawn(move || serve(&listener, recogniser)).unwrap();
    path
}

fn request(context: Option<&Value>) -> Request<'_> {
    Request { language: "en", context, terms: &[] }
}

#[test]
fn a_spoken_order_becomes_a_draft_and_talk_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new(&served(dir.path())).with_patience(std::time::Duration::from_secs(60));
    let matcher = matcher();
    let grammar = matcher.recogniser_context();
    let hear = |text: &str| {
        let sound = spoken(dir.path(), text);
        let heard = client.transcribe(request(Some(&grammar)), &sound.0).unwrap();
        let llr =
            heard.context.as_ref().and_then(|c| c["llr"].as_i64()).and_then(|llr| i32::try_from(llr).ok());
        matcher.hear(&heard.transcript, Evidence { llr })
    };
    let order = hear("can i get an alder classic with extra bacon");
    assert_eq!(order.summary(), "add 1 alder-classic ++bacon", "{:?}", order.decision);
    assert!(!matches!(order.decision, Decision::Reject(_)));
    let talk = hear("my neighbour has painted his fence yellow again");
    assert_ne!(talk.decision, Decision::Sure, "{}", talk.summary());
}

#[test]
fn whatever_one_client_does_the_next_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let path = served(dir.path());
    let client = Client::new(&path);
    assert_eq!(client.describe().unwrap()["asr"][0]["name"], "pocketsphinx");
    // No grammar yet, no sound, not enough sound, too much, a wrong rate, garbage.
    assert!(matches!(client.transcribe(request(None), &[1; 16_000]), Err(ClientError::Failed)));
    assert!(matches!(client.transcribe(request(None), &[]), Err(ClientError::Silence)));
    let grammar = matcher().recogniser_context();
    let short = client.transcribe(request(Some(&grammar)), &[7; 100]).unwrap();
    assert!(short.transcript.is_empty());
    let silence = client.transcribe(request(Some(&grammar)), &[0; 32_000]).unwrap();
    drop(silence);
    assert!(client.transcribe(request(Some(&grammar)), &vec![1; 40 * 16_000]).is_err());
    let mut stream = UnixStream::connect(&path).unwrap();
    let mut chunk = Event::new("audio-chunk", json!({"rate": 48_000, "width": 2, "channels": 1}));
    chunk.payload = vec![0; 64];
    chunk.write(&mut stream).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("only 16 kHz"), "{answer}");
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
    assert!(client.transcribe(request(Some(&grammar)), &[7; 16_000]).is_ok());
}

/// Replacing the grammar of an active search crashed the library when the search was not set again.
#[test]
fn a_grammar_is_replaced_again_and_again_between_utterances() {
    let mut recogniser = Recogniser::new(Models::default()).unwrap();
    let grammar = |word: &str| Grammar {
        jsgf: format!("#JSGF V1.0;\ngrammar menu;\npublic <utt> = {word} | two {word};\n"),
        words: vec![("two".into(), "T UW".into()), (word.to_owned(), "L AA T EY".into())],
    };
    let noise: Vec<i16> = (0..4_000_i16).map(|at| (at.wrapping_mul(7_919)) / 8).collect();
    for round in 0..200 {
        recogniser.set_grammar(grammar(if round % 2 == 0 { "latte" } else { "mocha" })).unwrap();
        drop(recogniser.recognise(&noise).unwrap());
    }
}

#[test]
fn a_grammar_with_an_unknown_word_or_sound_is_refused_and_the_next_one_works() {
    let mut recogniser = Recogniser::new(Models::default()).unwrap();
    let jsgf = |text: &str| format!("#JSGF V1.0;\ngrammar menu;\npublic <utt> = {text};\n");
    let word = |phones: &str| vec![("latte".to_owned(), phones.to_owned())];
    for bad in [
        Grammar { jsgf: jsgf("latte zorblatt"), words: word("L AA T EY") },
        Grammar { jsgf: jsgf("latte"), words: word("L QQ T EY") },
        Grammar { jsgf: "no grammar".to_owned(), words: word("L AA T EY") },
        Grammar { jsgf: "a\0b".to_owned(), words: Vec::new() },
    ] {
        assert!(recogniser.set_grammar(bad).is_err());
        assert!(recogniser.recognise(&[7; 16_000]).is_err());
    }
    recogniser.set_grammar(Grammar { jsgf: jsgf("latte"), words: word("L AA T EY") }).unwrap();
    assert!(recogniser.recognise(&[7; 16_000]).is_ok());
}

/// Parts of the library use variables of the whole process: without a lock this corrupted the heap, or hung.
#[test]
fn recognisers_made_in_many_threads_at_once_leave_each_other_alone() {
    let grammar = || Grammar {
        jsgf: "#JSGF V1.0;\ngrammar menu;\npublic <utt> = /0.25/ latte | /0.75/ mocha;\n".to_owned(),
        words: ["latte", "mocha"].map(|word| (word.to_owned(), "L AA T EY".to_owned())).to_vec(),
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let mut recogniser = Recogniser::new(Models::default()).unwrap();
                    recogniser.set_grammar(grammar()).unwrap();
                    recogniser.recognise(&[7; 2_000]).unwrap();
                }
            });
        }
    });
}

/// Five recordings of a person that the library's makers ship, with their grammar.
#[test]
fn recordings_of_a_person_are_recognised() {
    let dir = Path::new("/usr/share/pocketsphinx/test/data/cards");
    let lexicon = Lexicon::read(Path::new(CMUDICT)).unwrap();
    let jsgf = std::fs::read_to_string(dir.join("cards.gram")).unwrap();
    let words = "of clubs hearts diamonds spades ace two three four five six seven eight nine ten jack queen king lady";
    let said = |word: &str| {
        let phones = lexicon.say(word).remove(0);
        (word.to_owned(), phones.iter().map(|p| p.name()).collect::<Vec<_>>().join(" "))
    };
    let mut recogniser = Recogniser::new(Models::default()).unwrap();
    recogniser.set_grammar(Grammar { jsgf, words: words.split(' ').map(said).collect() }).unwrap();
    let expected = [
        "ten of clubs",
        "four queen of clubs",
        "seven of clubs",
        "five five",
        "eight of spades four of clubs seven of hearts",
    ];
    let right = expected.iter().enumerate().filter(|(at, text)| {
        let sound = Sound::read_wav(&dir.join(format!("00{}.wav", at + 1))).unwrap();
        recogniser.recognise(&sound.0).unwrap().text == **text
    });
    assert!(right.count() >= 4);
    drop(Transcript::new(String::new()));
}
