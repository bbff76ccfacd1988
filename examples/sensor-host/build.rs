//! Passes the linker the section in which defmt keeps its texts.

fn main() {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("log.ld");
    println!("cargo:rerun-if-changed=log.ld");
    println!("cargo:rustc-link-arg-bins=-T{}", script.display());
    // The numbers of the texts are addresses from 1 on; a program that may be loaded anywhere has none.
    println!("cargo:rustc-link-arg-bins=-no-pie");
}
