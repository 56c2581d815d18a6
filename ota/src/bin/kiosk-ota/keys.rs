//! `keys`, `root` and `sign`: who may say what.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use ota::repository::Repository;
use ota::trust::Role;
use ota::trust::sign::{PublicKey, SecretKey, Signers};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a key: FILE is the secret half (keep it offline), FILE.pub the public one.
    New {
        /// Where it goes. Nothing may be there.
        file: PathBuf,
    },
    /// Show the public half of secret keys.
    Show {
        /// The secret keys.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Public keys are given as 64 hexadecimal digits or as a file that holds them.
#[derive(clap::Args)]
pub(crate) struct Root {
    /// The repository.
    repository: PathBuf,
    /// Who may change this list.
    #[arg(long, required = true, value_name = "PUBLIC")]
    root_key: Vec<String>,
    /// So many of them have to sign.
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    root_threshold: usize,
    /// Who may make releases.
    #[arg(long, required = true, value_name = "PUBLIC")]
    release_key: Vec<String>,
    /// So many of them have to sign.
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    release_threshold: usize,
    /// The fleet's own key, which says every day what is newest.
    #[arg(long, value_name = "PUBLIC")]
    online_key: String,
    /// How long it holds.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
}

#[derive(clap::Args)]
pub(crate) struct Sign {
    /// The repository.
    repository: PathBuf,
    /// What is signed.
    #[arg(value_enum)]
    what: What,
    /// The secret key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum What {
    /// Whose keys count.
    Root,
    /// Which releases there are.
    Targets,
}

impl Command {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::New { file } => new(file),
            Self::Show { files } => files.iter().try_for_each(|file| {
                tell!("{}", secret(file)?.public().as_str());
                Ok(())
            }),
        }
    }
}

fn new(file: &Path) -> anyhow::Result<()> {
    let text = SecretKey::generate()?;
    let key = SecretKey::from_pem(&text)?;
    let mut options = std::fs::OpenOptions::new();
    let mut secret = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot make {}", file.display()))?;
    secret.write_all(text.as_bytes())?;
    secret.sync_all()?;
    let public = file.with_added_extension("pub");
    std::fs::write(&public, format!("{}\n", key.public().as_str()))
        .with_context(|| format!("cannot write {}", public.display()))?;
    tell!("{}", key.public().as_str());
    Ok(())
}

/// A secret key from its file.
pub(crate) fn secret(file: &Path) -> anyhow::Result<SecretKey> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    SecretKey::from_pem(&text).with_context(|| file.display().to_string())
}

fn public(text: &str) -> anyhow::Result<PublicKey> {
    if let Some(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let content = std::fs::read_to_string(text)
        .with_context(|| format!("{text} is neither 64 hexadecimal digits nor a file"))?;
    PublicKey::parse(&content).with_context(|| format!("{text} holds no public key: 64 hexadecimal digits"))
}

impl Root {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let keys =
            |texts: &[String]| texts.iter().map(|text| public(text)).collect::<anyhow::Result<Vec<_>>>();
        let online = Signers { keys: vec![public(&self.online_key)?], threshold: 1 };
        let signers = [
            (Role::Root, Signers { keys: keys(&self.root_key)?, threshold: self.root_threshold }),
            (Role::Targets, Signers { keys: keys(&self.release_key)?, threshold: self.release_threshold }),
            (Role::Snapshot, online.clone()),
            (Role::Timestamp, online),
        ];
        // Whoever has the server's key, or a release key, has no other one. Snapshot and timestamp are both the server's.
        let mut ids = BTreeSet::new();
        for (_, role) in signers.iter().filter(|(role, _)| *role != Role::Timestamp) {
            let of_role: BTreeSet<String> = role.keys.iter().map(PublicKey::id).collect();
            anyhow::ensure!(
                ids.is_disjoint(&of_role),
                "a key is there for two roles: whoever steals it has both"
            );
            ids.extend(of_role);
        }
        let version = Repository::at(&self.repository).new_root(&signers, crate::in_days(self.days))?;
        let threshold = self.root_threshold;
        tell!("root {version} is made. {threshold} of its holders have to sign it:");
        if version > 1 {
            tell!("(and as many of the holders of root {} as that one asks for)", version - 1);
        }
        tell!("  kiosk-ota sign {} root --key FILE", self.repository.display());
        Ok(())
    }
}

/// That this key counts for a role.
pub(crate) fn may_sign(repository: &Repository, role: Role, key: &SecretKey) -> anyhow::Result<()> {
    let holders = repository.holders(role)?.context("there is no root yet: nobody's key counts")?;
    let is_one = holders.contains(&key.public().id());
    anyhow::ensure!(
        is_one,
        "the root does not name {} for {role}: it would not count",
        key.public().as_str()
    );
    Ok(())
}

impl Sign {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let role = match self.what {
            What::Root => Role::Root,
            What::Targets => Role::Targets,
        };
        let (repository, key) = (Repository::at(&self.repository), secret(&self.key)?);
        may_sign(&repository, role, &key)?;
        repository.sign(role, &key)?;
        tell!("signed: {}", signatures(&repository.signed(role)?));
        Ok(())
    }
}

/// How many have signed, of the newest root's holders and of those of the one before.
pub(crate) fn signatures(signed: &[(u64, u64)]) -> String {
    let of = |(count, threshold): &(u64, u64)| format!("{count} of {threshold} signatures");
    match signed {
        [now, before, ..] => format!("{}, and {} by the holders of the root before", of(now), of(before)),
        [now] => of(now),
        [] => "no signatures".to_owned(),
    }
}
