//! Finds the system's LibRaw and compiles the shim against its headers; without the feature `engine`
//! there is nothing to do.

#[cfg(not(feature = "engine"))]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}

#[cfg(feature = "engine")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    const SHIM: &str = "shim/shim.cpp";
    println!("cargo:rerun-if-changed={SHIM}");
    let mut find = pkg_config::Config::new();
    // Since then it has a limit of its own for the memory that a file may claim.
    find.atleast_version("0.20");
    // Two builds of one library. One thread develops a file, so the plain one will do; where there
    // is only the other, that does as well.
    let library = find.probe("libraw").or_else(|_| find.probe("libraw_r"))?;
    cc::Build::new()
        .cpp(true)
        .std("c++11")
        .file(SHIM)
        .includes(&library.include_paths)
        .try_compile("vss_libraw_shim")?;
    // Behind the shim, which is what needs it.
    for name in &library.libs {
        println!("cargo:rustc-link-lib={name}");
    }
    Ok(())
}
