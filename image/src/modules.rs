//! Kernel modules of a root.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::run;
use crate::tree::lines;

/// All modules of the one kernel in a root.
pub struct Modules {
    root: PathBuf,
    version: String,
    /// Each module's file, below the kernel's folder, and the files that it needs, nearest first.
    needs: BTreeMap<String, Vec<String>>,
}

impl Modules {
    /// Reads what depmod found.
    ///
    /// # Errors
    /// There is not one kernel in the root.
    pub fn of(root: &Path) -> anyhow::Result<Self> {
        let mut versions = Vec::new();
        for entry in fs::read_dir(root.join("usr/lib/modules"))? {
            versions.push(entry?.file_name().to_string_lossy().into_owned());
        }
        let [version] = &versions[..] else { anyhow::bail!("the root has not one kernel: {versions:?}") };
        let text = fs::read_to_string(root.join("usr/lib/modules").join(version).join("modules.dep"))?;
        let needs = text.lines().filter_map(|line| line.split_once(':'));
        let needs = needs
            .map(|(module, needed)| {
                (module.to_owned(), needed.split_whitespace().map(str::to_owned).collect())
            })
            .collect();
        Ok(Self { root: root.to_owned(), version: version.clone(), needs })
    }

    fn dir(&self) -> PathBuf {
        self.root.join("usr/lib/modules").join(&self.version)
    }

    /// Removes every module that the list does not name and none of those needs.
    ///
    /// # Errors
    /// The list names what is not there.
    pub fn keep_only(&self, list: &str) -> anyhow::Result<()> {
        let mut kept = BTreeSet::new();
        for line in lines(list) {
            let name = line.strip_prefix("initrd ").unwrap_or(line);
            for module in self.named(name)? {
                kept.extend(self.with_needs(module));
            }
        }
        for module in self.needs.keys().filter(|module| !kept.contains(module.as_str())) {
            fs::remove_file(self.dir().join(module)).with_context(|| module.clone())?;
        }
        run::quietly(Command::new("depmod").arg("-b").arg(self.root.join("usr")).arg(&self.version))
    }

    /// The files that the initrd loads, in the order in which they can be.
    ///
    /// # Errors
    /// The list names what is not there.
    pub fn of_initrd(&self, list: &str) -> anyhow::Result<Vec<PathBuf>> {
        let mut order: Vec<&str> = Vec::new();
        for name in lines(list).filter_map(|line| line.strip_prefix("initrd ")) {
            for module in self.named(name)? {
                let mut all = self.with_needs(module);
                all.reverse();
                order.extend(all.into_iter().filter(|it| !order.contains(it)).collect::<Vec<_>>());
            }
        }
        Ok(order.into_iter().map(|module| self.dir().join(module)).collect())
    }

    /// The module, then what it needs, nearest first.
    fn with_needs<'a>(&'a self, module: &'a str) -> Vec<&'a str> {
        let needed = self.needs.get(module).into_iter().flatten().map(String::as_str);
        std::iter::once(module).chain(needed).collect()
    }

    /// By a folder or a file below kernel/, or by name. Modules that are built into the kernel are none.
    fn named(&self, name: &str) -> anyhow::Result<Vec<&str>> {
        let folder = format!("kernel/{name}/");
        let found: Vec<&str> = self
            .needs
            .keys()
            .map(String::as_str)
            .filter(|module| {
                module.starts_with(&folder)
                    || *module == format!("kernel/{name}")
                    || module_name(module) == name.replace('-', "_")
            })
            .collect();
        anyhow::ensure!(!found.is_empty() || self.is_built_in(name)?, "modules.list: there is no {name}");
        Ok(found)
    }

    fn is_built_in(&self, name: &str) -> anyhow::Result<bool> {
        let text = fs::read_to_string(self.dir().join("modules.builtin"))?;
        let folder = format!("kernel/{name}/");
        Ok(text.lines().any(|line| {
            line.starts_with(&folder) || line == format!("kernel/{name}") || module_name(line) == name
        }))
    }
}

fn module_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or_default();
    file.trim_end_matches(".ko").replace('-', "_")
}
