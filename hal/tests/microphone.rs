//! A microphone through the real ALSA: its file plugin plays a card, so no card is needed.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hal::microphone::{AlsaMicrophone, Microphone as _};

/// Names the file of samples in the child that opens the microphone: ALSA reads its configuration once a process.
const SOUND: &str = "KIOSK_TEST_SOUND";

/// More than the ring holds: the plugin has no clock and delivers everything at once.
const SAMPLES: i16 = 30_000;

/// Cards made of a file, and nothing else.
fn configure(dir: &Path) {
    let sound: Vec<u8> = (0..SAMPLES).flat_map(i16::to_le_bytes).collect();
    std::fs::write(dir.join("sound.raw"), sound).unwrap();
    let file = dir.join("sound.raw");
    let text = format!(
        "</usr/share/alsa/alsa.conf>\n\
         pcm.nullpcm {{ type null }}\n\
         pcm.filemic {{ type file slave.pcm \"nullpcm\" file \"/dev/null\" infile \"{}\" format \"raw\" }}\n\
         pcm.plugmic {{ type plug slave.pcm \"filemic\" hint {{ show on description \"a file\" }} }}\n\
         pcm.!default {{ type asym capture.pcm \"plugmic\" playback.pcm \"nullpcm\" }}\n",
        file.display()
    );
    std::fs::write(dir.join("alsa.conf"), text).unwrap();
}

fn heard(device: &str) {
    let mut microphone = AlsaMicrophone::new(device, 1);
    microphone.look().unwrap();
    microphone.open(Duration::ZERO).unwrap();
    let (began, mut sound) = (Instant::now(), Vec::new());
    while sound.len() < 4_000 || microphone.losses().dropped == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "{} samples of {device}", sound.len());
        microphone.read(Duration::ZERO, &mut sound).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    microphone.close();
    assert!(sound[..4_000].iter().copied().eq(0..4_000), "{device}: {:?}", &sound[..20]);
    let losses = microphone.losses();
    microphone.open(Duration::ZERO).unwrap();
    microphone.close();
    assert!(microphone.losses().dropped >= losses.dropped, "what was lost stays counted");
}

#[test]
fn samples_arrive_through_cpal_and_alsa_as_they_are_in_the_file() {
    if std::env::var_os(SOUND).is_some() {
        heard("default");
        return heard("plugmic");
    }
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path());
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "samples_arrive_through_cpal_and_alsa_as_they_are_in_the_file", "--nocapture"])
        .env(SOUND, "yes")
        .env("ALSA_CONFIG_PATH", dir.path().join("alsa.conf"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{}{said}", String::from_utf8_lossy(&child.stdout));
}

/// Without a card ALSA lists devices all the same; that none can be opened is told, and nothing is printed about it.
#[test]
fn a_machine_without_a_card_has_no_microphone() {
    if std::env::var_os(SOUND).is_some() {
        let mut microphone = AlsaMicrophone::new("default", 1);
        for refused in [microphone.look(), microphone.open(Duration::ZERO)] {
            refused.unwrap_err();
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let text = "pcm.!default { type hw card 31 }\nctl.!default { type hw card 31 }\n";
    std::fs::write(dir.path().join("alsa.conf"), text).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_machine_without_a_card_has_no_microphone", "--nocapture"])
        .env(SOUND, "yes")
        .env("ALSA_CONFIG_PATH", dir.path().join("alsa.conf"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{}{said}", String::from_utf8_lossy(&child.stdout));
    assert!(!said.contains("ALSA"), "{said}");
}
