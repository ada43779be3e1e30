//! A network namespace of its own for the Linux side: an interface, an address, and what runs there.

use std::ffi::OsStr;
use std::fs::File;
use std::net::Ipv4Addr;
use std::process::{Command, Output};
use std::thread;

use nix::sched::{CloneFlags, setns};

use crate::failure::Failure;

/// A namespace, which goes when this does.
#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one.
    ///
    /// # Errors
    /// No `ip`, or we may not.
    pub(super) fn new(name: String) -> Result<Self, Failure> {
        ip(["netns", "add", &name])?;
        let namespace = Self { name };
        namespace.ip(["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Takes an interface of ours, and gives it an address.
    ///
    /// # Errors
    /// There is no such interface.
    pub(super) fn adopt(
        &self,
        interface: &str,
        address: Ipv4Addr,
        prefix_len: u8,
    ) -> Result<(), Failure> {
        ip(["link", "set", interface, "netns", &self.name])?;
        let address = format!("{address}/{prefix_len}");
        self.ip(["addr", "add", &address, "dev", interface])?;
        self.ip(["link", "set", interface, "up"])
    }

    /// A command that runs inside.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs a function inside, in a thread of its own.
    ///
    /// # Errors
    /// The namespace cannot be entered.
    pub(super) fn run<T: Send>(&self, act: impl FnOnce() -> T + Send) -> Result<T, Failure> {
        let path = format!("/run/netns/{}", self.name);
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                let file = File::open(&path).map_err(|error| error.to_string())?;
                setns(file, CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string())?;
                Ok(act())
            });
            let result = inside
                .join()
                .unwrap_or_else(|_| Err("its thread panicked".to_owned()));
            result.map_err(|reason| {
                Failure::Input(format!(
                    "namespace `{}` cannot be entered: {reason}",
                    self.name
                ))
            })
        })
    }

    fn ip<const N: usize>(&self, args: [&str; N]) -> Result<(), Failure> {
        let mut inside = vec!["-n", &self.name];
        inside.extend(args);
        ip(inside)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // If it cannot be taken away, nothing can be done about it here.
        let _ = ip(["netns", "del", &self.name]);
    }
}

fn ip<'a>(args: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    let args: Vec<&str> = args.into_iter().collect();
    let shown = args.join(" ");
    let failed = |reason: &str| Failure::Input(format!("`ip {shown}` failed: {reason}"));
    let output = Command::new("ip").args(&args).output();
    let output: Output = output.map_err(|error| failed(&error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(())
}
