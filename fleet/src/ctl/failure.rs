//! How a command ends: an exit code that stays the same from version to version, one line that says what is
//! wrong, and the command that comes next.

use std::io::ErrorKind;
use std::process::ExitCode;

/// What `--help` says about exit codes.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed, or `doctor` found something wrong
  2    usage: the arguments, the filter or the file make no sense
  3    not logged in, or not allowed
  4    there is no such thing
  5    it is not as you think: somebody else changed it, or another number of kiosks
  6    the fleet cannot be reached
  7    some kiosks failed, others did not
  130  interrupted
  141  nobody reads the output any more

Environment:
  FLEETCTL_URL, FLEETCTL_TOKEN, FLEETCTL_CA   instead of a context: address, token, file of the authority
  FLEETCTL_CONTEXT                            the context, if --context does not name one
  NO_COLOR                                    no colours
";

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    Done,
    Failed,
    Usage,
    Login,
    Missing,
    Conflict,
    Unreachable,
    Partly,
    Interrupted,
    /// Nobody reads what we write; said as the signal's number, as tools do that die of it.
    Unread,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Login => 3,
            Exit::Missing => 4,
            Exit::Conflict => 5,
            Exit::Unreachable => 6,
            Exit::Partly => 7,
            Exit::Interrupted => 130,
            Exit::Unread => 141,
        })
    }
}

/// Why a command did not do what it was told.
#[derive(Debug)]
pub(super) struct Failure {
    pub exit: Exit,
    /// What is wrong; nothing for what needs no words.
    pub what: String,
    /// What to do next, a command if there is one.
    pub next: String,
}

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(super) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), next: String::new() }
    }

    pub(super) fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    pub(super) fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// A file or terminal that does not do what it should.
    pub(super) fn io(doing: impl std::fmt::Display, error: &std::io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe {
            return Self::new(Exit::Unread, "");
        }
        let said = format!("cannot {doing}: {error}");
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory => Self::usage(said),
            _ => Self::failed(said),
        }
    }
}
