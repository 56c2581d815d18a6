//! Finding and merging the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Settings, SettingsError};

/// The folders in which fragments are looked for, lowest precedence first.
#[derive(Clone, Debug)]
pub struct SearchPath(pub Vec<PathBuf>);

impl Default for SearchPath {
    fn default() -> Self {
        Self(["/usr/lib/kioskd", "/run/kioskd", "/etc/kioskd"].map(PathBuf::from).to_vec())
    }
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

/// Reads one fragment and checks it by itself, so that a mistake is named with its file and line.
pub(super) fn read(path: &Path) -> Result<toml::Table, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
    let mistake = |error: toml::de::Error| SettingsError::Mistake {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1),
        message: error.message().to_owned(),
    };
    toml::from_str::<Settings>(&text).map_err(mistake)?;
    let mut table: toml::Table = toml::from_str(&text).map_err(mistake)?;
    resolve_paths(&mut table, path.parent().unwrap_or(Path::new(".")));
    Ok(table)
}

/// Lays `fragment` over `merged`: tables key by key, everything else whole.
pub(super) fn merge(merged: &mut toml::Table, fragment: toml::Table) {
    for (key, value) in fragment {
        match (merged.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            (_, value) => {
                merged.insert(key, value);
            }
        }
    }
}

/// Relative paths are relative to the file that names them, wherever the daemon was started.
fn resolve_paths(table: &mut toml::Table, dir: &Path) {
    const PATHS: [(&str, &str); 5] = [
        ("kiosk", "data_dir"),
        ("catalog", "seed"),
        ("catalog", "pictures"),
        ("shop", "logo"),
        ("admin", "socket"),
    ];
    for (section, key) in PATHS {
        if let Some(toml::Value::String(path)) = table.get_mut(section).and_then(|s| s.get_mut(key)) {
            *path = dir.join(&*path).to_string_lossy().into_owned();
        }
    }
}
