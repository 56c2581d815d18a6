//! Files that are there whole or not at all.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Writes `content` beside `path`, makes it durable and puts it in its place.
///
/// # Errors
/// The disk refuses; what was at `path` is still there.
pub fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = dir.join(name);
    let mut file = File::create(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    rename(&beside, path)
}

/// Puts a file that is durable into its place.
///
/// # Errors
/// The disk refuses; what was at `to` is still there.
pub fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the one place that renames files")]
    std::fs::rename(from, to)?;
    File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        super::replace(&path, b"one").unwrap();
        super::replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
