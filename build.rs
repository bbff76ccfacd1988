//! Build script: generates the constants of src/layout.rs from memory-layout/layout.toml, or reports every rule that it
//! breaks; embeds the built-in page of src/web and the id of the commit.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

#[path = "build/boot.rs"]
mod boot;
#[path = "build/check.rs"]
mod check;
#[path = "build/emit.rs"]
mod emit;
#[path = "build/files.rs"]
mod files;
#[path = "build/git.rs"]
mod git;
#[path = "build/map.rs"]
mod map;
#[path = "build/schema.rs"]
mod schema;
#[path = "build/web/mod.rs"]
mod web;

const LAYOUT: &str = "memory-layout/layout.toml";
const WEB: &str = "src/web";

fn main() {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    embed_commit(&package);

    write_or_exit(&out.join("layout.rs"), constants(&package));
    println!("cargo::rerun-if-changed={WEB}");
    write_or_exit(&out.join("web.rs"), web::embed(&package.join(WEB), &out));
}

fn write_or_exit(file: &Path, text: Result<String, Vec<String>>) {
    match text {
        Ok(text) => fs::write(file, text).expect("OUT_DIR can be written"),
        Err(errors) => {
            for error in errors {
                println!("cargo::error={error}");
            }
            process::exit(1);
        }
    }
}

/// The text of the constants, or all errors.
fn constants(package: &Path) -> Result<String, Vec<String>> {
    let read = |name: &str| {
        println!("cargo::rerun-if-changed={name}");
        fs::read_to_string(package.join(name)).map_err(|error| vec![format!("{name}: {error}")])
    };
    let text = read(LAYOUT)?;
    let layout: schema::Layout = toml::from_str(&text).map_err(|error| {
        let before = error.span().map_or(0, |span| span.start).min(text.len());
        let line = 1 + text[..before].matches('\n').count();
        vec![format!("{LAYOUT}:{line}: {}", error.message())]
    })?;
    let files = files::Files {
        cmdline: read("memory-layout/boot/cmdline.txt")?,
        config: read("memory-layout/boot/config.txt")?,
        fstab: read("memory-layout/fstab")?,
        sysctl: read("memory-layout/sysctl.conf")?,
        unit: read("systemd/yep.service")?,
        manager: read("systemd/manager.conf")?,
    };
    let broken = check::check(&layout, &files);
    if broken.is_empty() {
        let mut constants = emit::emit(&layout);
        constants += "/// All of it, as a page for people.\n";
        constants += &format!("pub const MAP: &str = {:?};\n", map::map(&layout));
        Ok(constants)
    } else {
        Err(broken.into_iter().map(|rule| format!("{LAYOUT}: {rule}")).collect())
    }
}

/// Sets `YEP_GIT_ID` and `YEP_WRITTEN_UNIX_S`. The variable of the environment has priority: a build from an archive
/// has no checkout.
fn embed_commit(package: &Path) {
    println!("cargo::rerun-if-env-changed=YEP_GIT_ID");
    let id = env::var("YEP_GIT_ID").ok().or_else(|| {
        let (id, watched) = git::commit(package)?;
        for path in watched {
            println!("cargo::rerun-if-changed={}", path.display());
        }
        Some(id)
    });
    println!("cargo::rustc-env=YEP_GIT_ID={}", id.as_deref().unwrap_or("unknown"));
    // A clock that is set shows no time before the commit, or, without a checkout, before this year.
    const YEAR_2026_UNIX_S: u64 = 1_767_225_600;
    let written_unix_s =
        git::commit_time(package).map_or(YEAR_2026_UNIX_S, |time| time.max(YEAR_2026_UNIX_S));
    println!("cargo::rustc-env=YEP_WRITTEN_UNIX_S={written_unix_s}");
}
