//! What is in a disk and under which licences: SPDX 2.3 in JSON (<https://spdx.github.io/spdx-spec/v2.3/>) and a text for
//! people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hex;
use crate::pack::Disk;
use crate::run;

/// Who says so.
const CREATOR: &str = concat!("Tool: kiosk-image-", env!("CARGO_PKG_VERSION"));

/// Something that is in a disk.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    /// Where it is known under this name; `None`: it is ours.
    purl: Option<String>,
    /// An SPDX expression, where one was declared.
    licence: Option<String>,
    supplier: &'static str,
}

/// Writes both files beside the disk.
///
/// # Errors
/// Cargo does not tell what our programs are made of, or the disk refuses.
pub(crate) fn write(disk: &Disk<'_>) -> anyhow::Result<()> {
    let mut parts = debian(&fs::read_to_string(disk.packages)?, disk.suite);
    let crates = crates(&run::output(&mut cargo_tree(disk.checkout))?);
    anyhow::ensure!(!parts.is_empty() && !crates.is_empty(), "nothing is known of what is in the disk");
    run::write(&disk.licences(), licences(disk.tree, &crates)?)?;
    parts.extend(crates);
    let document = document(disk, &parts)?;
    run::write(&disk.spdx(), format!("{document:#}\n"))
}

/// The crates that are linked into the programs of a kiosk.
fn cargo_tree(checkout: &Path) -> Command {
    let mut tree = Command::new("cargo");
    tree.current_dir(checkout).args(["tree", "--locked", "--package", "kioskd", "--package", "ota"]);
    tree.args(["--no-default-features", "--edges", "normal", "--prefix", "none", "--format", "{p}|{l}"]);
    tree
}

/// Of lines as `adduser⇥3.134⇥adduser⇥3.134`.
fn debian(list: &str, suite: &str) -> Vec<Part> {
    let part = |line: &str| {
        let mut words = line.split('\t');
        let (name, version) = (words.next()?, words.next()?);
        let purl = format!("pkg:deb/debian/{}@{}?arch=amd64&distro={suite}", escaped(name), escaped(version));
        Some(Part {
            name: name.to_owned(),
            version: version.to_owned(),
            purl: Some(purl),
            licence: None,
            supplier: "Organization: Debian",
        })
    };
    list.lines().filter_map(part).collect()
}

/// Of lines as `serde v1.0.229|MIT OR Apache-2.0`. What is only run by the compiler is in no disk.
fn crates(list: &str) -> Vec<Part> {
    let mut all = BTreeMap::new();
    for line in list.lines() {
        // What was told before has a star.
        let line = line.trim_end_matches(" (*)");
        let Some((package, licence)) = line.split_once('|') else { continue };
        let mut words = package.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        let rest: Vec<&str> = words.collect();
        if rest.contains(&"(proc-macro)") {
            continue;
        }
        let version = version.trim_start_matches('v').to_owned();
        let is_ours = rest.iter().any(|word| word.starts_with("(/"));
        let purl = (!is_ours).then(|| format!("pkg:cargo/{}@{}", escaped(name), escaped(&version)));
        // Before SPDX had expressions a stroke stood for "or".
        let licence = (!licence.is_empty()).then(|| licence.replace('/', " OR ").replace("  ", " "));
        let supplier = if is_ours { "Organization: kioskd" } else { "NOASSERTION" };
        let part = Part { name: name.to_owned(), version: version.clone(), purl, licence, supplier };
        all.insert((name.to_owned(), version), part);
    }
    all.into_values().collect()
}

/// As a purl has it: all but letters, digits and `.-_~` is escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => escaped.push(byte.into()),
            _ => _ = write!(escaped, "%{byte:02X}"),
        }
    }
    escaped
}

/// When it is made: now, or what SOURCE_DATE_EPOCH says.
///
/// # Errors
/// That is no time.
pub(crate) fn time() -> anyhow::Result<Timestamp> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(said) => Ok(Timestamp::from_second(said.parse().context("SOURCE_DATE_EPOCH")?)?),
        Err(_) => Ok(Timestamp::from_second(Timestamp::now().as_second())?),
    }
}

fn document(disk: &Disk<'_>, parts: &[Part]) -> anyhow::Result<Value> {
    let listed: String = parts.iter().map(|part| format!("{} {}\n", part.name, part.version)).collect();
    let digest = ring::digest::digest(&ring::digest::SHA256, listed.as_bytes());
    let file = disk.img.file_name().context("a disk is a file")?.to_string_lossy();
    let mut packages = vec![json!({
        "SPDXID": "SPDXRef-image", "name": file, "versionInfo": disk.name, "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false, "supplier": "Organization: kioskd", "primaryPackagePurpose": "OPERATING-SYSTEM",
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
    })];
    let mut relations = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image")];
    for (index, part) in parts.iter().enumerate() {
        let id = format!("SPDXRef-{index}");
        let mut package = json!({
            "SPDXID": id, "name": part.name, "versionInfo": part.version, "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false, "supplier": part.supplier, "licenseConcluded": "NOASSERTION",
            "licenseDeclared": part.licence.as_deref().unwrap_or("NOASSERTION"), "copyrightText": "NOASSERTION",
        });
        if let Some(purl) = &part.purl {
            package["externalRefs"] = json!([{
                "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl,
            }]);
        }
        packages.push(package);
        relations.push(relation("SPDXRef-image", "CONTAINS", &id));
    }
    Ok(json!({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": file,
        "documentNamespace": format!("urn:sha256:{}", hex(digest.as_ref())),
        "creationInfo": { "created": time()?.to_string(), "creators": [CREATOR] },
        "packages": packages, "relationships": relations, "hasExtractedLicensingInfos": licences_of_others(parts),
    }))
}

/// Licences that SPDX does not know have to be named.
fn licences_of_others(parts: &[Part]) -> Vec<Value> {
    let words = parts.iter().filter_map(|part| part.licence.as_deref());
    let words = words.flat_map(|licence| licence.split([' ', '(', ')']));
    let names: BTreeSet<&str> = words.filter(|word| word.starts_with("LicenseRef-")).collect();
    let named = |name: &str| json!({ "licenseId": name, "extractedText": "See the source of the crate.", "name": name });
    names.into_iter().map(named).collect()
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// Debian's copyright files as they are, each text once, and the licences of crates.
fn licences(tree: &Path, crates: &[Part]) -> anyhow::Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut folders = fs::read_dir(tree.join("usr/share/doc"))?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(std::fs::DirEntry::file_name);
    for folder in folders {
        if let Ok(text) = fs::read(folder.path().join("copyright")) {
            let name = folder.file_name().to_string_lossy().into_owned();
            texts.entry(String::from_utf8_lossy(&text).into_owned()).or_default().push(name);
        }
    }
    let mut sections: Vec<(String, String)> =
        texts.into_iter().map(|(text, names)| (names.join(", "), text)).collect();
    sections.sort();
    let mut all = "Our own programs, and the Rust crates that are linked into them\n\n".to_owned();
    for part in crates {
        let licence = part.licence.as_deref().unwrap_or("see its source");
        _ = writeln!(all, "{} {}: {licence}", part.name, part.version);
    }
    for (names, text) in sections {
        _ = write!(all, "\n{}\n{names}\n\n{text}", "=".repeat(79));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_known_by_their_names_elsewhere() {
        let list =
            "libstdc++6\t12.2.0-14+deb12u1\tgcc-12\t12.2.0-14+deb12u1\nsystemd\t1:252.39\tsystemd\t252.39\n";
        let purls: Vec<_> = debian(list, "bookworm").into_iter().filter_map(|part| part.purl).collect();
        assert_eq!(
            purls,
            [
                "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=bookworm",
                "pkg:deb/debian/systemd@1%3A252.39?arch=amd64&distro=bookworm",
            ]
        );
    }

    #[test]
    fn crates_are_listed_once_without_what_only_the_compiler_runs_and_without_our_paths() {
        let list = "kioskd v0.1.0 (/somewhere/kioskd)|GPL-3.0-only\nserde v1.0.229|MIT OR Apache-2.0\n\
                    serde v1.0.229|MIT OR Apache-2.0 (*)\nserde_derive v1.0.229 (proc-macro)|MIT\n\nold v0.1.0|MIT/Apache-2.0\n";
        let found = crates(list);
        let short: Vec<_> =
            found.iter().map(|it| (it.name.as_str(), it.purl.as_deref(), it.licence.as_deref())).collect();
        assert_eq!(
            short,
            [
                ("kioskd", None, Some("GPL-3.0-only")),
                ("old", Some("pkg:cargo/old@0.1.0"), Some("MIT OR Apache-2.0")),
                ("serde", Some("pkg:cargo/serde@1.0.229"), Some("MIT OR Apache-2.0")),
            ]
        );
    }
}
