//! Passes the memory map of the chip to the linker.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let memory = if env::var_os("CARGO_FEATURE_RP2040").is_some() { "rp2040.x" } else { "lm3s6965.x" };
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::copy(memory, out.join("memory.x")).expect("the folder of the build can be written");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed={memory}");
}
