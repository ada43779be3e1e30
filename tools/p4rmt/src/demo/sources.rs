//! `laminar.p4` as it was when this was built, so that the demonstration needs no file.

use std::path::{Path, PathBuf};

use p4rmt_driver::{LoadError, Loader};

/// The folder that the files seem to lie in.
const FOLDER: &str = "/laminar";

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../../", $name)))),*]
    };
}

/// By path from the root of the repository.
const FILES: &[(&str, &str)] = files! {
    "laminar.p4"
    "p4src/laminar/classify.p4"
    "p4src/laminar/dma.p4"
    "p4src/laminar/egress.p4"
    "p4src/laminar/egress_metadata.p4"
    "p4src/laminar/egress_parser.p4"
    "p4src/laminar/finalize.p4"
    "p4src/laminar/extensions/sack.p4"
    "p4src/laminar/forward.p4"
    "p4src/laminar/headers.p4"
    "p4src/laminar/identify.p4"
    "p4src/laminar/ingress.p4"
    "p4src/laminar/ingress_metadata.p4"
    "p4src/laminar/ingress_parser.p4"
    "p4src/laminar/prepare.p4"
    "p4src/laminar/reassembly.p4"
    "p4src/laminar/retransmission.p4"
    "p4src/laminar/statistics.p4"
    "p4src/laminar/translate.p4"
    "p4src/laminar/types.p4"
};

/// Reads what was built in.
pub(super) struct BuiltIn;

impl Loader for BuiltIn {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        let Ok(name) = path.strip_prefix(FOLDER) else {
            return Ok(None);
        };
        let mut files = FILES.iter();
        let found = files.find(|(file, _)| Path::new(file) == name);
        Ok(found.map(|(_, text)| (*text).to_owned()))
    }
}

/// Where the program seems to lie.
pub(super) fn program() -> PathBuf {
    Path::new(FOLDER).join("laminar.p4")
}
