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
        ("[kiosk]\ncutover_hour = 24\n", "kiosk.cutover_hour"),
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
