//! Where emitted Rust finds its engine, and where what is built of it is kept.

use std::env;
use std::path::{Path, PathBuf};

use p4rmt_rustgen::{ChildEngine, Dependency, Profile};

use crate::failure::Failure;

/// How `--engine rust` is built.
#[derive(clap::Args)]
pub(crate) struct RustArgs {
    /// `--engine rust`: keep what is built in this folder; in the user's cache unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// `--engine rust`: where emitted crates find `p4rmt-engine`; in the checkout that p4rmt was built from
    /// unless given.
    #[arg(long, value_name = "DIR")]
    pub(crate) engine_path: Option<PathBuf>,
}

impl RustArgs {
    /// The engine.
    pub(crate) fn engine(&self) -> Result<ChildEngine, Failure> {
        let engine = dependency(self.engine_path.as_deref())?;
        let lock = match &engine {
            Dependency::Path(path) => Some(Path::new(path).join("../../Cargo.lock")),
            Dependency::Version(_) => None,
        };
        Ok(ChildEngine {
            cargo: env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from),
            cache: match &self.cache {
                Some(folder) => folder.clone(),
                None => user_cache()?,
            },
            engine,
            lock: lock.filter(|lock| lock.exists()),
            profile: Profile::Release,
        })
    }
}

/// Where emitted crates find `p4rmt-engine`.
pub(crate) fn dependency(given: Option<&Path>) -> Result<Dependency, Failure> {
    let in_checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runtime/engine");
    let path = match given {
        Some(path) if path.join("Cargo.toml").exists() => path,
        Some(path) => {
            let why = format!("there is no crate in `{}`", path.display());
            return Err(Failure::Usage(why));
        }
        None if in_checkout.join("Cargo.toml").exists() => &in_checkout,
        None => return Ok(Dependency::Version(env!("CARGO_PKG_VERSION").to_owned())),
    };
    let path = path.canonicalize().map_err(|source| Failure::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(Dependency::Path(path.to_string_lossy().into_owned()))
}

/// The folder for what can be made again.
fn user_cache() -> Result<PathBuf, Failure> {
    let given = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let folder = given.filter(|folder| folder.is_absolute()).or(home);
    let folder = folder.ok_or_else(|| {
        let why = "there is no folder for what is built: give one with `--cache DIR`";
        Failure::Usage(why.to_owned())
    })?;
    Ok(folder.join("p4rmt"))
}
