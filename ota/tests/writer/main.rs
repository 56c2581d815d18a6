//! The slot writer as a process, by its promises: what it writes, what it refuses, and what is left when it is killed.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not recognise as tests")]

mod rig;

use std::io::{Read as _, Write as _};
use std::process::Command;

use ota::agent::Reason;
use ota::chooser::Slot;
use ota::repository::{Expiry, Repository};
use ota::trust::sign::SecretKey;
use ota::verity::tree_length;
use ota::writer::wire::{Message, Reply, Request, send};
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use rig::{Rig, SLOT, flip};

const WRITE: Request = Request::Write { slot: Slot::B, release: 42, from: 0 };
const READ_BACK: Request = Request::ReadBack { slot: Slot::B, release: 42 };
const ACTIVATE: Request = Request::Activate { slot: Slot::B, release: 42 };
const BELIEVE: Request = Request::Believe { release: 42 };

#[test]
fn a_release_is_written_by_delta_read_back_and_only_then_activated() {
    let rig = Rig::new();
    let state = rig.state();
    assert_eq!((state.slot, state.release, state.version.as_str()), (Slot::A, 41, "1.41"));
    assert_eq!((state.good, state.primary, state.boot.as_str()), (true, Slot::A, "boot 1"));
    assert_eq!(rig.ask(WRITE).reason(), Some(Reason::Signature), "nobody has proven its manifest");
    let believed = rig.ask(BELIEVE).reply;
    assert_eq!(believed, Reply::Believed { floor: 42, version: "1".into() });
    assert_eq!(rig.ask(ACTIVATE).reason(), Some(Reason::Io), "nothing is written");
    let written = rig.ask(WRITE).done();
    assert!(written.of("from-") > 0 && written.of("full") == 0, "{:?}", written.given);
    assert!(written.flushed.len() > 1 && written.flushed.is_sorted(), "{:?}", written.flushed);
    assert_eq!(rig.ask(ACTIVATE).reason(), Some(Reason::Io), "it was not read back");
    assert_eq!(rig.ask(READ_BACK).done().given.len(), 0, "nothing is fetched twice");
    let (new, slot) = (rig.get("new.img"), rig.get("slot-b"));
    assert_eq!(slot[..new.len()], new);
    let tree = usize::try_from(tree_length(new.len() as u64 / 4096)).unwrap();
    assert_ne!(slot[new.len()..new.len() + tree], vec![0xEE; tree], "its hash tree");
    assert_eq!(slot.len(), SLOT);
    assert_eq!(rig.chooser(&["get-primary"]), "A");
    rig.ask(ACTIVATE).done();
    assert_eq!(rig.chooser(&["get-primary"]), "B");
}

#[test]
fn slot_writer_refuses_the_running_slot_and_unsigned_data() {
    let rig = Rig::new();
    rig.install(Slot::B, 42);
    let before = rig.get("slot-a");
    for request in [
        Request::Write { slot: Slot::A, release: 42, from: 0 },
        Request::ReadBack { slot: Slot::A, release: 42 },
        Request::Activate { slot: Slot::A, release: 42 },
    ] {
        assert_eq!(rig.ask(request.clone()).reason(), Some(Reason::Io), "{request:?}");
    }
    assert_eq!(rig.ask(Request::MarkBad).reason(), Some(Reason::Io), "it has proven itself");
    assert_eq!(rig.ask(Request::Believe { release: 43 }).reason(), Some(Reason::Signature));
    assert!(rig.get("slot-a") == before);
    // Signed by somebody else's keys, and with a manifest that was changed.
    let other = Rig::new();
    let forged = rig.ask_giving(BELIEVE, &mut |wanted| other.piece(wanted));
    assert_eq!(forged.reason(), Some(Reason::Signature));
    let changed = rig.ask_giving(BELIEVE, &mut |wanted| {
        let mut bytes = rig.piece(wanted)?;
        if wanted.path.starts_with("targets/") {
            bytes[20] ^= 1;
        }
        Some(bytes)
    });
    assert_eq!(changed.reason(), Some(Reason::Signature));
}

#[test]
fn peer_serving_wrong_blocks_is_asked_no_more_and_nothing_of_it_is_written() {
    let rig = Rig::new();
    rig.ask(BELIEVE);
    let mut complaints = 0;
    let written = rig.ask_giving(WRITE, &mut |wanted| {
        complaints += usize::from(wanted.wrong);
        let mut bytes = rig.piece(wanted)?;
        if !wanted.wrong {
            bytes[0] ^= 1;
        }
        Some(bytes)
    });
    written.done();
    assert!(complaints > 2, "every piece was wrong at first: {complaints}");
    rig.ask(READ_BACK).done();
    assert!(rig.get("slot-b").starts_with(&rig.get("new.img")));

    let rig = Rig::new();
    rig.ask(BELIEVE);
    let refused = rig.ask_giving(WRITE, &mut |wanted| Some(vec![0; wanted.length as usize]));
    assert_eq!(refused.reason(), Some(Reason::Source));
    let (new, slot) = (rig.get("new.img"), rig.get("slot-b"));
    let mut blocks = slot.chunks(4096).zip(new.chunks(4096));
    assert!(blocks.all(|(is, should)| is == should || is == [0xEE; 4096]), "only copies were written");
    assert_eq!(rig.chooser(&["get-state", "B"]), "bad");
}

#[test]
fn who_is_not_named_in_its_configuration_is_not_heard() {
    let mut rig = Rig::new();
    rig.kill();
    rig.configure("54321");
    rig.start();
    let mut stream = rig.connect();
    send(&mut stream, &Message::Words(Request::State)).ok();
    stream.shutdown(std::net::Shutdown::Write).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    assert!(answer.is_empty(), "{answer:?}");
    assert!(String::from_utf8(rig.get("log")).unwrap().contains("may not speak here"));
}

#[test]
fn slots_that_share_an_image_are_refused_by_whatever_name() {
    let rig = Rig::new();
    std::os::unix::fs::symlink(rig.path("slot-a"), rig.path("soft")).unwrap();
    std::fs::hard_link(rig.path("slot-a"), rig.path("hard")).unwrap();
    let config = String::from_utf8(rig.get("writer.toml")).unwrap();
    for (is, name) in [("slot-b", "soft"), ("slot-b", "hard"), ("chooser", "slot-b")] {
        let other = config.replace(&format!("/{is}'"), &format!("/{name}'"));
        rig.put("writer.toml", other.as_bytes());
        let error = ota::writer::Config::read(&rig.path("writer.toml")).unwrap_err();
        assert!(matches!(error, ota::writer::ConfigError::Same { .. }), "{name}: {error}");
    }
}

#[test]
fn a_second_writer_leaves_the_socket_to_the_first() {
    let rig = Rig::new();
    rig.ask(BELIEVE);
    let second = Command::new(env!("CARGO_BIN_EXE_kiosk-slot-writer"))
        .arg("--config")
        .arg(rig.path("writer.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && said.contains("serves at"), "{said}");
    rig.ask(WRITE).done();
}

#[test]
fn a_killed_writer_goes_on_at_its_watermark() {
    let mut rig = Rig::new();
    rig.ask(BELIEVE);
    let whole = rig.ask(WRITE).done();
    let mark = whole.flushed[0];
    assert!(mark > 0 && whole.flushed.len() > 1);
    rig.put("slot-b", &vec![0x11; SLOT]);
    // Up to the mark, then the power goes.
    let mut stream = rig.connect();
    send(&mut stream, &Message::Words(WRITE)).unwrap();
    loop {
        match ota::writer::wire::receive::<Reply>(&mut stream).unwrap() {
            Message::Words(Reply::Want { path, at, length, wrong, .. }) => {
                let bytes = rig.piece(&rig::Wanted { path, at, length, wrong }).unwrap();
                send(&mut stream, &Message::<Request>::Bytes(bytes)).unwrap();
            }
            Message::Words(Reply::Flushed { done, .. }) => {
                assert_eq!(done, mark);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    rig.kill();
    rig.start();
    let rest = rig.ask(Request::Write { slot: Slot::B, release: 42, from: mark }).done();
    assert!(rest.of("from-") < whole.of("from-"), "{:?} {:?}", rest.given, whole.given);
    let repaired = rig.ask(READ_BACK).done();
    assert_eq!(repaired.of("full"), 0, "nothing was lost before the mark: {:?}", repaired.given);
    assert!(rig.get("slot-b").starts_with(&rig.get("new.img")));
}

#[test]
fn a_watermark_of_another_attempt_is_not_believed() {
    let rig = Rig::new();
    rig.ask(BELIEVE);
    let written = rig.ask(Request::Write { slot: Slot::B, release: 42, from: 5 }).done();
    assert_eq!(written.reply, Reply::Done);
    assert_eq!(rig.ask(READ_BACK).done().of("full"), 0);
    assert!(rig.get("slot-b").starts_with(&rig.get("new.img")));
}

#[test]
fn what_the_running_slot_has_lost_comes_from_the_whole_image() {
    let rig = Rig::new();
    flip(&rig.path("slot-a"), 9 << 19);
    rig.ask(BELIEVE);
    rig.ask(WRITE).done();
    let repaired = rig.ask(READ_BACK).done();
    assert!((1..3 << 20).contains(&repaired.of("full")), "{:?}", repaired.given);
    assert!(rig.get("slot-b").starts_with(&rig.get("new.img")));
}

#[test]
fn a_slot_that_changed_after_it_was_written_is_not_activated() {
    let rig = Rig::new();
    rig.install(Slot::B, 42);
    flip(&rig.path("slot-b"), 12_345);
    assert!(rig.ask(READ_BACK).done().of("full") > 0, "it is repaired");
    assert!(rig.get("slot-b").starts_with(&rig.get("new.img")));
    flip(&rig.path("slot-b"), 12_345);
    let unrepaired = rig.ask_giving(READ_BACK, &mut |_| None);
    assert_eq!(unrepaired.reason(), Some(Reason::Source));
    assert_eq!(rig.ask(ACTIVATE).reason(), Some(Reason::Io));
}

#[test]
fn release_below_the_floor_is_refused_even_if_signed_once_a_later_one_has_proven_itself() {
    let rig = Rig::new();
    rig.install(Slot::B, 42);
    rig.ask(ACTIVATE).done();
    rig.chooser(&["boot"]);
    rig.runs(Slot::B, 42);
    let state = rig.state();
    assert_eq!((state.slot, state.good, state.primary), (Slot::B, false, Slot::B));
    let back = Request::Believe { release: 41 };
    assert!(matches!(rig.ask(back.clone()).reply, Reply::Believed { .. }), "not before the proof");
    assert!(rig.is_on_trial());
    rig.ask(Request::MarkGood).done();
    assert!(rig.state().good && !rig.is_on_trial());
    // What was believed before is of no more use.
    let (slot, release) = (Slot::A, 41);
    let wishes = [
        back,
        Request::Write { slot, release, from: 0 },
        Request::ReadBack { slot, release },
        Request::Activate { slot, release },
    ];
    for wish in wishes {
        assert_eq!(rig.ask(wish.clone()).reason(), Some(Reason::Floor), "{wish:?}");
    }
}

#[test]
fn a_release_that_is_no_good_is_marked_bad_while_it_is_on_trial() {
    let rig = Rig::new();
    rig.install(Slot::B, 42);
    rig.ask(ACTIVATE).done();
    rig.chooser(&["boot"]);
    rig.runs(Slot::B, 42);
    assert!(rig.is_on_trial());
    rig.ask(Request::MarkBad).done();
    assert_eq!(rig.chooser(&["get-primary"]), "A");
}

#[test]
fn release_for_another_model_or_from_another_release_on_is_refused() {
    let rig = Rig::new();
    let words =
        ["release", "repo", "--model", "alder", "--name", "1", "--level", "1", "--image", "root=new.img"];
    for more in [&["--number", "50", "--arch", "m68k"][..], &["--number", "51", "--min-from", "42"]] {
        rig.tool(&[&words[..], more].concat());
    }
    rig.tool(&[&words[..], &["--number", "52", "--image", "boot=new.img"]].concat());
    rig.tool(&["sign", "repo", "targets", "--key", "release"]);
    rig.publish();
    for release in 50..53 {
        assert_eq!(rig.ask(Request::Believe { release }).reason(), Some(Reason::WrongModel), "{release}");
    }
}

#[test]
fn expired_timestamp_stops_new_releases() {
    let rig = Rig::new();
    let key = SecretKey::from_pem(std::str::from_utf8(&rig.get("online")).unwrap()).unwrap();
    let now = Expiry(jiff::Timestamp::now().as_second());
    Repository::at(&rig.path("repo")).publish(&key, Expiry(now.0 + 86_400), now).unwrap();
    assert_eq!(rig.ask(BELIEVE).reason(), Some(Reason::Expired));
    rig.publish();
    assert!(matches!(rig.ask(BELIEVE).reply, Reply::Believed { .. }));
}

#[test]
fn root_image_of_one_release_with_boot_image_of_another_is_refused() {
    let mut rig = Rig::new();
    let mut noise = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let boots = [(); 2].map(|()| {
        let mut image = vec![0; 2 << 20];
        noise.fill_bytes(&mut image);
        image
    });
    for (name, bytes) in [("boot-50.img", &boots[0]), ("boot-51.img", &boots[1]), ("boot-a", &boots[0])] {
        rig.put(name, bytes);
    }
    rig.put("boot-b", &vec![0xEE; 3 << 20]);
    for number in ["50", "51"] {
        let boot = format!("boot=boot-{number}.img");
        rig.release(number, "new.img", &["--image", &boot]);
    }
    rig.publish();
    rig.boot_slots();
    assert!(matches!(rig.ask(Request::Believe { release: 51 }).reply, Reply::Believed { .. }));
    for number in ["50", "51"] {
        rig.tool(&["build", &format!("boot-{number}.img"), "-o", &format!("boot-{number}.kot")]);
    }
    // Both files are signed, of the same length, and lie in the same repository.
    let other = rig.get("boot-50.kot");
    let own = rig.get("boot-51.kot");
    assert_eq!(other.len(), own.len());
    let mut swapped = 0;
    let outcome = rig.ask_giving(Request::Write { slot: Slot::B, release: 51, from: 0 }, &mut |wanted| {
        let piece = rig.piece(wanted)?;
        let at = usize::try_from(wanted.at).unwrap();
        if own.get(at..at + piece.len()) != Some(&piece) {
            return Some(piece);
        }
        swapped += 1;
        (!wanted.wrong).then(|| other[at..at + piece.len()].to_vec())
    });
    assert!(swapped > 0 && outcome.reason().is_some(), "{swapped} {:?}", outcome.reply);
    assert!(rig.ask(Request::Activate { slot: Slot::B, release: 51 }).reason().is_some());
    assert_eq!((rig.chooser(&["get-primary"]), rig.chooser(&["get-state", "B"])), ("A".into(), "bad".into()));
}

#[test]
fn clock_before_the_build_time_uses_the_floor() {
    const DAY_S: i64 = 86_400;
    let now_s = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let rig = Rig::new();
    let words =
        ["release", "repo", "--model", "alder", "--name", "1", "--level", "1", "--image", "root=new.img"];
    // As if this machine's clock were forty days behind.
    rig.tool_at(Some(now_s + 40 * DAY_S), &[&words[..], &["--number", "50"]].concat());
    rig.tool_at(Some(now_s + 40_000 * DAY_S), &[&words[..], &["--number", "51"]].concat());
    rig.tool(&["sign", "repo", "targets", "--key", "release"]);
    let publish = |days: &str| {
        rig.tool(&["publish", "repo", "--key", "online", "--timestamp-days", days, "--snapshot-days", "90"])
    };
    publish("60");
    assert!(matches!(rig.ask(Request::Believe { release: 50 }).reply, Reply::Believed { .. }));
    assert_eq!(rig.state().built_s, now_s + 40 * DAY_S);
    publish("30");
    assert_eq!(rig.ask(BELIEVE).reason(), Some(Reason::Expired), "that is ten days ago");
    publish("60");
    assert!(matches!(rig.ask(BELIEVE).reply, Reply::Believed { .. }));
    // One whose maker's clock was a century ahead does not make everything old for ever.
    assert!(matches!(rig.ask(Request::Believe { release: 51 }).reply, Reply::Believed { .. }));
    publish("61");
    assert!(matches!(rig.ask(BELIEVE).reply, Reply::Believed { .. }));
}

#[test]
fn a_slot_that_somebody_else_writes_or_that_is_too_small_is_left_alone() {
    let rig = Rig::new();
    rig.ask(BELIEVE);
    let file = std::fs::File::options().write(true).open(rig.path("slot-b")).unwrap();
    let lock = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive).unwrap();
    assert_eq!(rig.ask(WRITE).reason(), Some(Reason::Io));
    drop(lock);
    rig.put("slot-b", &vec![0xEE; 10 << 20]);
    assert_eq!(rig.ask(WRITE).reason(), Some(Reason::NoSpace), "there is no room for the hash tree");
    assert!(rig.get("slot-b").iter().all(|byte| *byte == 0xEE));
    assert_eq!(rig.chooser(&["get-state", "B"]), "bad");
}

#[test]
fn endless_data_and_oversized_messages_end_the_conversation_and_nothing_else() {
    let rig = Rig::new();
    let endless = rig.ask_giving(BELIEVE, &mut |wanted| Some(vec![b' '; wanted.length as usize]));
    assert_eq!(endless.reason(), Some(Reason::Signature));
    assert!(endless.of("metadata") < 1 << 20, "{:?}", endless.given);
    for bytes in [&[0xff; 9][..], &[0, 0, 0, 2, b'M', b'{'], &[0, 0, 0, 1, b'B']] {
        let mut stream = rig.connect();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        assert!(answer.is_empty());
    }
    assert_eq!(rig.state().release, 41);
}
