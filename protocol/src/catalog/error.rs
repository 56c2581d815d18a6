//! What is wrong with a file, said so that whoever wrote it can put it right.

use std::fmt;
use std::sync::Arc;

use super::node::At;

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ImportError {
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1; 0 if it is about the file as a whole.
    pub line: u32,
    /// The character in the line, from 1; 0 with line 0.
    pub column: u32,
    /// Which field: `items.cola.price`; empty for a place between fields.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub instead: String,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: ", self.file)?,
            line => write!(f, "{}:{line}:{}: ", self.file, self.column)?,
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}; {}", self.what, self.instead)
    }
}

/// Everything that is wrong, in the order of the files. Never empty as an `Err`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportErrors(Vec<ImportError>);

impl ImportErrors {
    pub(super) fn new(mut errors: Vec<ImportError>) -> Self {
        errors.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        errors.dedup();
        Self(errors)
    }

    /// The errors.
    pub fn iter(&self) -> std::slice::Iter<'_, ImportError> {
        self.0.iter()
    }

    /// The errors, owned.
    pub fn into_vec(self) -> Vec<ImportError> {
        self.0
    }
}

impl fmt::Display for ImportErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ImportErrors {}

impl<'a> IntoIterator for &'a ImportErrors {
    type Item = &'a ImportError;
    type IntoIter = std::slice::Iter<'a, ImportError>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// An error before its file number has become a name.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) at: At,
    pub(super) path: String,
    pub(super) what: String,
    pub(super) instead: String,
}

pub(super) fn of(fault: Fault, files: &[Arc<str>]) -> ImportError {
    ImportError {
        file: files.get(usize::from(fault.at.file)).cloned().unwrap_or_else(|| "".into()),
        line: fault.at.line,
        column: fault.at.column,
        path: fault.path,
        what: fault.what,
        instead: fault.instead,
    }
}
