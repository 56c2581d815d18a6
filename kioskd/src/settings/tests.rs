use std::path::{Path, PathBuf};

use super::{SearchPath, Settings, SettingsError, find};

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn later_fragments_win_key_by_key_and_a_same_name_replaces_the_file() {
    let root = tempfile::tempdir().unwrap();
    let [lib, etc] = ["lib", "etc"].map(|d| root.path().join(d));
    write(&lib, "kioskd.toml", "[kiosk]\nid = 'a'\ndisplay_prefix = 'K1'\n");
    write(&lib, "kioskd.toml.d/10-shop.toml", "[shop]\nheader = ['lib']\n");
    write(&etc, "kioskd.toml.d/10-shop.toml", "[kiosk]\nid = 'b'\n");
    let extra = write(root.path(), "extra.toml", "[kiosk]\ndisplay_prefix = 'K9'\n");
    let files = find(&SearchPath(vec![lib, etc]), &[extra]).unwrap();
    let settings = Settings::load(&files).unwrap();
    assert_eq!((settings.kiosk.id.as_str(), settings.kiosk.display_prefix.as_str()), ("b", "K9"));
    assert!(settings.shop.header.is_empty(), "/etc replaces the file of /usr/lib whole");
}

#[test]
fn an_unknown_key_is_named_with_file_and_line() {
    let root = tempfile::tempdir().unwrap();
    let file = write(root.path(), "kioskd.toml", "[kiosk]\nid = 'a'\n\n[screen]\nwitdh = 5\n");
    let error = Settings::load(std::slice::from_ref(&file)).unwrap_err();
    let SettingsError::Mistake { path, line, message } = &error else { panic!("{error:?}") };
    assert_eq!((path, *line), (&file, 5));
    assert!(message.contains("witdh"), "{message}");
}

#[test]
fn a_value_of_the_wrong_form_and_broken_toml_are_named_too() {
    let root = tempfile::tempdir().unwrap();
    for text in ["[screen]\nwidth = 'wide'\n", "[screen\n"] {
        let file = write(root.path(), "kioskd.toml", text);
        let error = Settings::load(&[file]).unwrap_err();
        assert!(matches!(error, SettingsError::Mistake { .. }), "{text}: {error:?}");
    }
}

#[test]
fn values_that_make_no_sense_are_refused_with_what_would_be_right() {
    let root = tempfile::tempdir().unwrap();
    for (text, key) in [
        ("[kiosk]\nid = 'a b'\n", "kiosk.id"),
        ("[kiosk]\ntime_zone = 'Mars/Olympus'\n", "kiosk.time_zone"),
        ("[screen]\nwidth = 5\n", "screen.width"),
        ("[screen]\nrotation = 45\n", "screen.rotation"),
        ("[kiosk]\ncutover_hour = 24\n", "kiosk.cutover_hour"),
        ("[uplink]\nca = 'x'\n", "uplink.fleet"),
        ("[uplink]\nca = 'x'\nfleet = 'http://f'\n", "uplink.fleet"),
        ("[uplink]\nfleet = 'https://f/x'\nca = 'x'\n", "uplink.fleet"),
        ("[uplink]\nfleet = 'https://f:8443'\n", "uplink.ca"),
        ("[uplink]\nfleet = 'https://f'\nca = 'x'\nack_s = 0\n", "uplink"),
        ("[uplink]\nfleet = 'https://f'\nca = 'x'\nbatch_bytes = 5\n", "uplink.batch_bytes"),
        ("[update]\nprove_s = 0\n", "update.prove_s"),
        ("[update]\nprove_s = 901\n", "update.prove_s"),
        ("[update.peers]\ngroup = \"192.168.1.1:47078\"\n", "update.peers.group"),
        ("[kiosk]\nid = 'K_1'\n[uplink]\nfleet = 'https://f'\nca = 'x'\n", "kiosk.id"),
    ] {
        let file = write(root.path(), "kioskd.toml", text);
        match Settings::load(&[file]).unwrap_err() {
            SettingsError::Value { key: found, .. } => assert_eq!(found, key),
            error => panic!("{text}: {error:?}"),
        }
    }
}

#[test]
fn a_drop_in_may_set_one_key_of_a_device_and_a_key_that_none_sets_is_named() {
    let root = tempfile::tempdir().unwrap();
    let base = write(root.path(), "a.toml", "[printer]\nendpoint = 'tcp://192.0.2.7:9100'\n");
    let one = write(root.path(), "b.toml", "[printer]\nprofile = 'plain-80'\n");
    let settings = Settings::load(&[base, one.clone()]).unwrap();
    assert_eq!(settings.printer.unwrap().profile, "plain-80");
    match Settings::load(&[one]).unwrap_err() {
        SettingsError::Value { key, .. } => assert_eq!(key, "printer.endpoint"),
        error => panic!("{error:?}"),
    }
}

#[test]
fn paths_are_relative_to_the_file_that_names_them() {
    let root = tempfile::tempdir().unwrap();
    let file = write(
        root.path(),
        "sub/kioskd.toml",
        "[kiosk]\ndata_dir = 'data'\n[catalog]\npictures = 'p'\nseed = '/q'\n",
    );
    let settings = Settings::load(&[file]).unwrap();
    assert_eq!(settings.kiosk.data_dir, root.path().join("sub/data"));
    assert_eq!(settings.catalog.pictures, Some(root.path().join("sub/p")));
    assert_eq!(settings.catalog.seed, Some(PathBuf::from("/q")));
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_the_file_and_line_that_won() {
    let root = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| write(root.path(), name, text);
    let base = file("base.toml", "[kiosk]\nid = 'a'\n\n[screen]\nwidth = 1080\nheight = 5\n");
    let quiet = file("quiet.toml", "# nothing about the screen\n[log]\nfilter = 'info'\n");
    let wide = file("wide.toml", "\n\nscreen = { mm_per_px = 0.3,\n  width = 9000 }\n");
    let right = file("right.toml", "screen.width = 1920\nscreen.height = 1080\n");
    let dotted = file("dotted.toml", "# one line\nkiosk.cutover_hour = 24\n");
    let told = |files: &[&PathBuf]| {
        let files: Vec<PathBuf> = files.iter().map(|file| (*file).clone()).collect();
        Settings::load(&files).unwrap_err().to_string()
    };
    let at = |file: &PathBuf, rest: &str| format!("{}:{rest}", file.display());
    let message = "must be between 320 and 7680 pixels";
    assert_eq!(told(&[&base, &quiet]), at(&base, &format!("6: screen.height: {message}")));
    assert_eq!(told(&[&base, &wide, &quiet]), at(&wide, &format!("4: screen.width: {message}")));
    let late = told(&[&base, &wide, &right, &dotted]);
    assert_eq!(late, at(&dotted, "2: kiosk.cutover_hour: must be an hour from 0 to 23"));
    assert!(Settings::load(&[base, wide, right]).is_ok(), "what was overridden does no harm");
}

#[test]
fn an_address_that_is_none_is_told_what_to_write() {
    let root = tempfile::tempdir().unwrap();
    let file = write(root.path(), "kioskd.toml", "[screen]\nmirror = 'localhost'\n");
    let told = Settings::load(&[file]).unwrap_err().to_string();
    assert!(
        told.contains("kioskd.toml:2: screen.mirror must be") && told.contains("127.0.0.1:8080"),
        "{told}"
    );
}

#[test]
fn a_key_that_none_sets_is_named_with_its_section() {
    let root = tempfile::tempdir().unwrap();
    let other = write(root.path(), "a.toml", "[kiosk]\nid = 'a'\n");
    let section = write(root.path(), "b.toml", "\n[printer]\nprofile = 'plain-80'\n");
    let told = Settings::load(&[other.clone(), section.clone(), other]).unwrap_err().to_string();
    assert!(told.starts_with(&format!("{}:2: printer.endpoint: must say", section.display())), "{told}");
}

#[test]
fn what_has_no_end_or_is_too_large_is_not_read() {
    let told = |path: &Path| Settings::load(&[path.to_owned()]).unwrap_err().to_string();
    assert_eq!(told(Path::new("/dev/zero")), "/dev/zero: this is not a file; settings are files of TOML");
    let root = tempfile::tempdir().unwrap();
    let pipe = root.path().join("pipe.toml");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
    assert!(told(&pipe).contains("this is not a file"), "nobody waits at a pipe");
    assert!(told(root.path()).contains("this is not a file"), "a folder");
    let large = root.path().join("large.toml");
    // Sparse: 10 GiB that take no room.
    std::fs::File::create(&large).unwrap().set_len(10 << 30).unwrap();
    assert!(told(&large).contains("large.toml: the file is larger than 1048576 bytes"), "{}", told(&large));
    let file = write(root.path(), "latin1.toml", "");
    std::fs::write(&file, b"[kiosk]\nid = 'caf\xe9'\n").unwrap();
    assert!(matches!(Settings::load(&[file]).unwrap_err(), SettingsError::Read { .. }));
}

#[test]
fn what_only_a_start_would_find_is_named_with_file_line_and_key() {
    let root = tempfile::tempdir().unwrap();
    for (line, key) in [
        ("[printer]\nendpoint = 'tcp:/192.0.2.7'", "printer.endpoint"),
        ("[printer]\nendpoint = 'tcp://192.0.2.7:9100'\nprofile = 'tm-t99'", "printer.profile"),
        ("[kitchen]\nendpoint = 'tcp://192.0.2.7:9100'\nprofile = 'tm-t99'", "kitchen.profile"),
        ("[terminal]\nendpoint = '192.0.2.7'", "terminal.endpoint"),
        ("[terminal]\nendpoint = 'tcp://192.0.2.7:20007'\nprofile = 'x'", "terminal.profile"),
        ("[terminal]\nendpoint = 'tcp://192.0.2.7:20007'\npassword = '12'", "terminal.password"),
        ("[display]\nendpoint = 'usb'", "display.endpoint"),
        ("[scanner]\nendpoint = 'usb'", "scanner.endpoint"),
        ("[scanner]\nhid = 'usb'", "scanner.hid"),
        ("[scanner]", "scanner"),
        ("[sensors.door]\nline = 'GPIO17'", "sensors.door.line"),
        (
            "[sensors.temperature]\npart = 'lm75'\nbus = '/dev/i2c-1'\naddress = 0x80",
            "sensors.temperature.address",
        ),
        ("[light]", "light"),
        ("[light]\nspi = '/dev/spidev0.0'\nleds = 0", "light.leds"),
        ("[catalog]\nseed = 'no-such.json'", "catalog.seed"),
        ("[catalog]\npictures = 'no-such'", "catalog.pictures"),
        ("[shop]\nlogo = 'no-such.png'", "shop.logo"),
        ("[screen]\nmirror = '192.0.2.7:80'", "screen.mirror"),
        ("[uplink]\nfleet = 'https://f'\nca = 'no-such.pem'", "uplink.ca"),
        ("[update]\ncampaign_keys = ['abc']", "update.campaign_keys"),
        ("[log]\nfilter = 'loud=='", "log.filter"),
    ] {
        let file = write(root.path(), "kioskd.toml", &format!("# a comment\n{line}\n"));
        let settings = Settings::load(std::slice::from_ref(&file)).unwrap();
        let told = crate::daemon::check(&settings).unwrap_err().to_string();
        let last_line = 1 + line.lines().count();
        let wanted = format!("{}:{last_line}: {key}: ", file.display());
        assert!(told.starts_with(&wanted) && told.len() > wanted.len() + 8, "{told}");
        assert!(!told[wanted.len()..].contains(&format!("{key}:")), "the key is told once: {told}");
    }
}

/// `docs/settings.md` holds every setting with its default, and no other.
#[test]
fn the_documented_settings_are_those_that_exist() {
    let page = include_str!("../../../docs/settings.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (documented, _) = rest.split_once("```").unwrap();
    let root = tempfile::tempdir().unwrap();
    let file = write(root.path(), "documented.toml", documented);
    let settings = Settings::load(&[file]).unwrap();
    let usual = Settings::default();
    assert_eq!(format!("{:?}", settings.kiosk), format!("{:?}", usual.kiosk));
    assert_eq!(format!("{:?}", settings.shop), format!("{:?}", usual.shop));
    assert_eq!(format!("{:?}", settings.screen), format!("{:?}", usual.screen));
    assert_eq!(format!("{:?}", settings.policy), format!("{:?}", usual.policy));
    assert_eq!(format!("{:?}", settings.admin), format!("{:?}", usual.admin));
    let peers = settings.update.and_then(|update| update.peers);
    assert_eq!(format!("{peers:?}"), format!("{:?}", Some(super::Peers::default())));
    assert_eq!(format!("{:?}", settings.log), format!("{:?}", usual.log));
    let fields =
        include_str!("model.rs").lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'));
    for (field, _) in fields.filter(|(field, _)| !field.contains(' ') && !field.contains('(')) {
        let named = documented.lines().any(|line| {
            let line = line.trim_start_matches("# ");
            let is_section = line.starts_with('[') && line.contains(&format!("{field}]"))
                || line.starts_with(&format!("[{field}."));
            line.starts_with(&format!("{field} =")) || is_section
        });
        assert!(named, "docs/settings.md does not say {field}");
    }
}
