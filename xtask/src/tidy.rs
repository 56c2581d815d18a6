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
    ("kioskd", &["domain", "protocol", "store", "hal", "ui"]),
    ("fleet", &["domain", "protocol"]),
    ("sim", &[]),
    ("tests", &["domain", "protocol", "store", "hal", "ui", "kioskd", "fleet", "sim"]),
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

/// Dependencies between our crates, read from the manifests; development dependencies count too, so that
/// `sim` and `hal` cannot come to share a parser through a test.
fn check_edges(root: &Path, findings: &mut Vec<String>) -> anyhow::Result<()> {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();
    for (name, uses) in &allowed {
        let manifest = root.join(name).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
        for used in allowed.keys().filter(|used| *used != name) {
            let depends = text.lines().any(|line| line.split(['.', '=', ' ']).next() == Some(*used));
            if depends && !uses.contains(used) {
                findings.push(format!("{name} must not use {used}: see the table in ARCHITECTURE.md"));
            }
        }
    }
    for member in workspace_members(root)? {
        if !allowed.contains_key(member.as_str()) {
            findings.push(format!("the crate {member} is not in xtask's table of edges"));
        }
    }
    Ok(())
}

fn workspace_members(root: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(root.join("Cargo.toml"))?;
    let (_, list) = text.split_once("members = [").context("the workspace has members")?;
    let (list, _) = list.split_once(']').context("the list of members ends")?;
    Ok(list.split(',').map(|m| m.trim().trim_matches('"').to_owned()).filter(|m| !m.is_empty()).collect())
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
    Ok(())
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
    code.matches('_').count() >= 3 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
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
