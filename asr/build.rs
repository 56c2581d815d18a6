//! Finds PocketSphinx, and tells which of its two interfaces it has.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(pocketsphinx_5)");
    let mut probe = pkg_config::Config::new();
    probe.cargo_metadata(false);
    let found = match probe.probe("pocketsphinx") {
        Ok(found) => found,
        Err(error) => {
            println!(
                "cargo::error=PocketSphinx is missing (Debian: libpocketsphinx-dev, libsphinxbase-dev): {error}"
            );
            return;
        }
    };
    for path in &found.link_paths {
        println!("cargo::rustc-link-search=native={}", path.display());
    }
    println!("cargo::rustc-link-lib=pocketsphinx");
    if found.version.contains("prealpha") {
        println!("cargo::rustc-link-lib=sphinxbase");
    } else {
        println!("cargo::rustc-cfg=pocketsphinx_5");
    }
}
