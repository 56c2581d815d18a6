//! Finding and merging the files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::{FILE_BYTES_MAX, Place, Settings, SettingsError};

/// The folders in which fragments are looked for, lowest precedence first.
#[derive(Clone, Debug)]
pub struct SearchPath(pub Vec<PathBuf>);

impl Default for SearchPath {
    fn default() -> Self {
        Self(["/usr/lib/kioskd", "/run/kioskd", "/etc/kioskd"].map(PathBuf::from).to_vec())
    }
}

/// The settings that whoever runs this machine handed to systemd, for example as an SMBIOS string of a virtual one
/// (systemd.exec(5), `LoadCredential=`).
pub fn credential() -> Option<PathBuf> {
    let file = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join("kioskd.toml");
    file.is_file().then_some(file)
}

/// The fragments to read, lowest precedence first: of files with the same name only the one of the highest
/// folder, sorted by name, then `extra` in the order given.
///
/// # Errors
/// A folder exists and cannot be read.
pub fn find(search: &SearchPath, extra: &[PathBuf]) -> Result<Vec<PathBuf>, SettingsError> {
    let mut main = None;
    let mut by_name = BTreeMap::new();
    for dir in &search.0 {
        let file = dir.join("kioskd.toml");
        if file.is_file() {
            main = Some(file);
        }
        let drop_ins = dir.join("kioskd.toml.d");
        if !drop_ins.is_dir() {
            continue;
        }
        let read = |source| SettingsError::Read { path: drop_ins.clone(), source };
        for entry in std::fs::read_dir(&drop_ins).map_err(read)? {
            let path = entry.map_err(read)?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                by_name.insert(path.file_name().map(std::ffi::OsStr::to_owned), path);
            }
        }
    }
    Ok(main.into_iter().chain(by_name.into_values()).chain(extra.iter().cloned()).collect())
}

/// One fragment as it was written.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    path: PathBuf,
    text: String,
    table: toml::Table,
}

impl Fragment {
    /// Reads one fragment.
    pub(super) fn read(path: &Path) -> Result<Self, SettingsError> {
        Self::parse(path, read(path)?)
    }

    /// Checks a fragment by itself, so that a mistake is named with its file and line.
    pub(super) fn parse(path: &Path, text: String) -> Result<Self, SettingsError> {
        let mistake = |error: toml::de::Error| SettingsError::Mistake {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| line_at(&text, span.start)),
            message: error.message().to_owned(),
        };
        toml::from_str::<Settings>(&text).map_err(mistake)?;
        let mut table: toml::Table = toml::from_str(&text).map_err(mistake)?;
        resolve_paths(&mut table, path.parent().unwrap_or(Path::new(".")));
        Ok(Self { path: path.to_owned(), text, table })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What it says, paths resolved.
    pub(super) fn table(&self) -> &toml::Table {
        &self.table
    }

    /// How many steps of the key `steps` this fragment writes, and the line of the deepest.
    fn depth_and_line(&self, steps: &[&str]) -> Option<(usize, usize)> {
        let root = toml::de::DeTable::parse(&self.text).ok()?;
        let mut table = root.get_ref();
        let mut found = None;
        for (index, step) in steps.iter().enumerate() {
            let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == step) else { break };
            found = Some((index + 1, line_at(&self.text, key.span().start)));
            let toml::de::DeValue::Table(below) = value.get_ref() else { break };
            table = below;
        }
        found
    }
}

/// The text of a regular file of at most [`FILE_BYTES_MAX`]. A device or a pipe is refused before it is opened: it
/// may have no end, or nothing to say.
fn read(path: &Path) -> Result<String, SettingsError> {
    let cannot = |source| SettingsError::Read { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(SettingsError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    let mut limited = File::open(path).map_err(cannot)?.take(FILE_BYTES_MAX + 1);
    // Before the text: a file that is too large is told as that, whatever is in it.
    let length = limited.read_to_end(&mut bytes).map_err(cannot)?;
    if u64::try_from(length).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        String::from_utf8(bytes).map_err(|error| {
            let read = error.utf8_error().valid_up_to();
            let line = line_at(&String::from_utf8_lossy(error.as_bytes()), read);
            cannot(std::io::Error::new(ErrorKind::InvalidData, format!("line {line} is not UTF-8")))
        })
    } else {
        Err(SettingsError::TooLarge { path: path.to_owned() })
    }
}

/// Where the value in force of `key` (`screen.width`) was written: in the last fragment that sets it, since later
/// ones win. If none does, the last section in which it would have to be.
pub(super) fn place(fragments: &[Fragment], key: &str) -> Option<Place> {
    let steps: Vec<&str> = key.split('.').collect();
    let found =
        fragments.iter().filter_map(|it| it.depth_and_line(&steps).map(|(depth, line)| (depth, it, line)));
    let (_, fragment, line) = found.max_by_key(|(depth, ..)| *depth)?;
    Some(Place { path: fragment.path.clone(), line })
}

/// The line of a byte, from 1.
fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
}

/// Lays `fragment` over `merged`: tables key by key, everything else whole.
pub(super) fn merge(merged: &mut toml::Table, fragment: &toml::Table) {
    for (key, value) in fragment {
        match (merged.get_mut(key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => {
                merged.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Relative paths are relative to the file that names them, wherever the daemon was started.
fn resolve_paths(table: &mut toml::Table, dir: &Path) {
    const PATHS: [(&str, &str); 7] = [
        ("kiosk", "data_dir"),
        ("catalog", "seed"),
        ("catalog", "pictures"),
        ("shop", "logo"),
        ("admin", "socket"),
        ("uplink", "ca"),
        ("update", "slot_writer"),
    ];
    for (section, key) in PATHS {
        if let Some(toml::Value::String(path)) = table.get_mut(section).and_then(|s| s.get_mut(key)) {
            *path = dir.join(&*path).to_string_lossy().into_owned();
        }
    }
}
