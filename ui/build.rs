//! Compiles the pages with their translations, and lists the icons and drawings for `src/pictures/embedded.rs`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    embed(&root.join("assets"), &out.join("embedded.rs"))?;

    // Only the fonts: every picture reaches the pages as finished pixels.
    let config = slint_build::CompilerConfiguration::new()
        // Tests find elements through it; it is in every build but the one that ships.
        .with_debug_info(std::env::var("PROFILE").is_ok_and(|profile| profile == "debug"))
        .embed_resources(slint_build::EmbedResourcesKind::EmbedFiles)
        .with_default_translation_context(slint_build::DefaultTranslationContext::None)
        .with_bundled_translations(root.join("lang"));
    slint_build::compile_with_config("ui/main.slint", config)?;
    Ok(())
}

/// Writes the tables `ICONS` and `ART`: name and bytes of every SVG, sorted by name.
fn embed(assets: &Path, table: &Path) -> Result<(), Box<dyn Error>> {
    let mut source = String::new();
    for (constant, folder) in [("ICONS", "icons"), ("ART", "art")] {
        let folder = assets.join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files: Vec<PathBuf> =
            fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
        files.retain(|path| path.extension().is_some_and(|extension| extension == "svg"));
        files.sort_by(|a, b| a.file_stem().cmp(&b.file_stem()));
        writeln!(source, "static {constant}: &[(&str, &[u8])] = &[")?;
        for path in files {
            let name =
                path.file_stem().and_then(|name| name.to_str()).ok_or("an asset's name is not UTF-8")?;
            writeln!(source, "    ({name:?}, include_bytes!({path:?})),")?;
        }
        writeln!(source, "];")?;
    }
    fs::write(table, source)?;
    Ok(())
}
