//! Checks that need no build: the edges between crates, file lengths, forbidden names, documents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::run;

/// Longest source file. Beyond it a file is about more than one thing.
const LINES_MAX: usize = 700;

/// What each crate may use of ours. `tests` and `xtask` are not shipped.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("protocol", &["domain"]),
    ("store", &["domain", "protocol"]),
    ("hal", &[]),
    ("ui", &["domain"]),
    ("kioskd", &["domain", "protocol", "store", "hal", "ui", "ota", "voice"]),
    ("fleet", &["domain", "ota", "protocol"]),
    ("sim", &[]),
    ("ota", &["protocol"]),
    ("image", &[]),
    (
        "tests",
        &["domain", "protocol", "store", "hal", "ui", "kioskd", "fleet", "sim", "ota", "image", "voice"],
    ),
    // The protocol only reads the demo catalog in its tests.
    ("voice", &["domain", "protocol"]),
    ("asr", &["domain", "protocol", "voice"]),
    ("voicebench", &["domain", "protocol", "voice"]),
    ("xtask", &[]),
];

/// Source files whose length and words are checked.
const SOURCES: &[&str] = &["rs", "slint", "ts", "js", "css", "py", "sh", "sql"];

pub(crate) fn tidy() -> anyhow::Result<()> {
    let root = run::root();
    let mut findings = Vec::new();
    check_edges(&root, &mut findings)?;
    for file in tracked(&root)? {
        check_file(&root, &file, &mut findings)?;
    }
    check_documents(&root, &mut findings)?;
    check_invariants(&root, &mut findings)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    anyhow::ensure!(findings.is_empty(), "tidy: {} findings", findings.len());
    eprintln!("tidy: nothing found");
    Ok(())
}

/// Dependencies between our crates, as cargo reads the manifests; development dependencies count too, so that
/// `sim` and `hal` cannot come to share a parser through a test.
fn check_edges(root: &Path, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    for package in packages(root)? {
        let name = package["name"].as_str().context("a package has a name")?;
        let Some(uses) = allowed.get(name) else {
            findings.push(format!("the crate {name} is not in xtask's table of edges"));
            continue;
        };
        let dependencies = package["dependencies"].as_array().context("a package has dependencies")?;
        let ours =
            dependencies.iter().filter(|it| !it["path"].is_null()).filter_map(|it| it["name"].as_str());
        for used in ours.filter(|used| *used != name && !uses.contains(used)) {
            findings.push(format!("{name} must not use {used}: see the table in ARCHITECTURE.md"));
        }
    }
    Ok(())
}

fn packages(root: &Path) -> anyhow::Result<Vec<serde_json::Value>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = cargo
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()?;
    anyhow::ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    match metadata["packages"].take() {
        serde_json::Value::Array(packages) => Ok(packages),
        _ => anyhow::bail!("cargo metadata names no packages"),
    }
}

fn check_file(root: &Path, file: &Path, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let is_source = file.extension().and_then(|e| e.to_str()).is_some_and(|e| SOURCES.contains(&e));
    if !is_source {
        return Ok(());
    }
    let text = fs::read_to_string(root.join(file)).with_context(|| file.display().to_string())?;
    let lines = text.lines().count();
    if lines > LINES_MAX {
        findings.push(format!("{}: {lines} lines, more than {LINES_MAX}", file.display()));
    }
    if file.ends_with("mod.rs") {
        findings.push(format!("{}: name it after its module", file.display()));
    }
    // Put together here, so that this file does not find itself.
    for (word, why) in [
        (concat!("todo", "!("), "unfinished"),
        (concat!("unimplemented", "!("), "unfinished"),
        (concat!("#[ign", "ore"), "a test that never runs"),
    ] {
        if text.contains(word) {
            findings.push(format!("{}: {word}…: {why}", file.display()));
        }
    }
    for name in named_documents(&text).filter(|name| !root.join(name).exists()) {
        findings.push(format!("{}: there is no {name}", file.display()));
    }
    Ok(())
}

/// The pages of `docs/` that a source refers to.
fn named_documents(text: &str) -> impl Iterator<Item = String> {
    text.split("docs/").skip(1).filter_map(|rest| {
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_./".contains(c)).unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches('.');
        name.ends_with(".md").then(|| format!("docs/{name}"))
    })
}

/// The documents name both commands and every crate.
fn check_documents(root: &Path, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let read = |name: &str| fs::read_to_string(root.join(name)).with_context(|| name.to_owned());
    let readme = read("README.md")?;
    for command in ["./dev demo", "./dev test"] {
        if !readme.contains(command) {
            findings.push(format!("README.md does not name `{command}`"));
        }
    }
    let architecture = read("ARCHITECTURE.md")?;
    for (name, _) in EDGES {
        if !architecture.contains(&format!("`{name}/`")) {
            findings.push(format!("ARCHITECTURE.md does not mention `{name}/`"));
        }
    }
    for (document, text) in [("README.md", &readme), ("ARCHITECTURE.md", &architecture)] {
        for target in links(text) {
            if !root.join(&target).exists() {
                findings.push(format!("{document}: the link to {target} leads nowhere"));
            }
        }
    }
    Ok(())
}

/// Every test that the table of invariants names exists.
fn check_invariants(root: &Path, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    let (_, section) = architecture.split_once("## Invariants").context("the section on invariants")?;
    let (section, _) = section.split_once("\n## ").context("a section after it")?;
    let mut named: BTreeSet<&str> =
        section.split('`').skip(1).step_by(2).filter(|code| is_test_name(code)).collect();
    for file in tracked(root)?.iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        let text = fs::read_to_string(root.join(file))?;
        named.retain(|name| !text.contains(&format!("fn {name}(")));
    }
    findings
        .extend(named.iter().map(|name| format!("ARCHITECTURE.md names the test {name}, which is nowhere")));
    Ok(())
}

/// Tests are named as sentences.
fn is_test_name(code: &str) -> bool {
    code.matches('_').count() >= 2 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Relative targets of Markdown links and pictures.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .map(str::to_owned)
        .collect()
}

fn tracked(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output()?;
    anyhow::ensure!(output.status.success(), "git ls-files: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .split('\0')
        .filter(|f| !f.is_empty())
        .map(PathBuf::from)
        .filter(|f| root.join(f).exists())
        .collect())
}
