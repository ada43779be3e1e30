//! Running a command on every program below a folder: in parallel, each in a process of its own with
//! limits of time and memory, so that one that hangs, eats memory or hits a bug of ours takes nothing
//! else with it.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::args::CorpusArgs;
use crate::failure::Failure;

/// Every `.p4` file below a folder, in order of their paths.
pub(crate) fn p4_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |source| Failure::Read {
            path: folder.clone(),
            source,
        };
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            // Links are not followed: they may lead round in a circle.
            if entry.file_type().map_err(unreadable)?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "p4") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The name of a program of a corpus.
pub(crate) fn name_within(folder: &Path, path: &Path) -> String {
    let name = path.strip_prefix(folder).unwrap_or(path);
    name.display().to_string()
}

/// Applies `work` to every path, several at a time. The results keep the order of the paths.
pub(crate) fn in_parallel<T: Send>(
    paths: &[PathBuf],
    args: &CorpusArgs,
    work: impl Fn(&Path) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let progress = ProgressBar::new(paths.len() as u64).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} {eta}").expect("the template is fixed"),
    );
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<T, Failure>>>> =
        Mutex::new(paths.iter().map(|_| None).collect());
    let n_cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let n_workers = args.jobs.map_or_else(n_cores, usize::from).min(paths.len());
    std::thread::scope(|scope| {
        for _ in 0..n_workers {
            scope.spawn(|| {
                while let Some((index, path)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    paths.get(index).map(|path| (index, path))
                } {
                    let result = work(path);
                    results.lock().expect("no worker panics with the lock")[index] = Some(result);
                    progress.inc(1);
                }
            });
        }
    });
    progress.finish_and_clear();
    let results = results.into_inner().expect("no worker panicked");
    results
        .into_iter()
        .map(|result| result.expect("every path was worked on"))
        .collect()
}

/// How a child process ended.
pub(crate) enum Ended {
    /// By itself.
    Done {
        /// Standard output.
        stdout: String,
        /// The first lines of its last words, for one that did not end well.
        last_words: String,
    },
    /// It was stopped when its time was over.
    TimedOut,
    /// It wanted more memory than it may have.
    OutOfMemory,
}

impl Ended {
    /// Why there is no report: the words for a row.
    pub(crate) fn why_no_report(&self, args: &CorpusArgs) -> String {
        match self {
            Self::Done { last_words, .. } => last_words.clone(),
            Self::TimedOut => format!("took longer than {} s", args.time_limit),
            Self::OutOfMemory => format!("wanted more memory than {} MiB", args.memory_limit),
        }
    }
}

/// Runs this program again with these arguments.
pub(crate) fn run_child(
    path: &Path,
    arguments: &[OsString],
    args: &CorpusArgs,
) -> Result<Ended, Failure> {
    let failed = |source| Failure::Read {
        path: path.to_owned(),
        source,
    };
    let mut child = Command::new(std::env::current_exe().map_err(failed)?)
        .args(["--limit-memory", &args.memory_limit.to_string()])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (sender, receiver) = mpsc::channel();
    read_in_background(child.stdout.take(), 0, sender.clone());
    read_in_background(child.stderr.take(), 1, sender);
    let end = Instant::now() + Duration::from_secs(args.time_limit);
    let mut texts = [String::new(), String::new()];
    // Both pipes end when the child does; nobody has to look again and again.
    for _ in 0..texts.len() {
        match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok((which, text)) => texts[which] = text,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                child.kill().map_err(failed)?;
                child.wait().map_err(failed)?;
                return Ok(Ended::TimedOut);
            }
        }
    }
    let status = child.wait().map_err(failed)?;
    let [stdout, stderr] = texts;
    if is_out_of_memory(status, &stderr) {
        return Ok(Ended::OutOfMemory);
    }
    let mut last_words = stderr.lines().take(2).collect::<Vec<_>>().join(" ");
    if last_words.is_empty() {
        last_words = format!("ended with {status} and no word");
    }
    Ok(Ended::Done { stdout, last_words })
}

/// Whether a process was ended by its own runtime because memory was refused.
fn is_out_of_memory(status: ExitStatus, stderr: &str) -> bool {
    status.code().is_none() && stderr.contains("memory allocation of ")
}

/// Reads a pipe to its end, so that the child never waits for us, and sends the text.
fn read_in_background<R: Read + Send + 'static>(
    pipe: Option<R>,
    which: usize,
    sender: mpsc::Sender<(usize, String)>,
) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What could be read is what there is: the child may be killed meanwhile.
            let _ = pipe.read_to_end(&mut bytes);
        }
        // Nobody listens any more after a time-out.
        let _ = sender.send((which, String::from_utf8_lossy(&bytes).into_owned()));
    });
}

/// Limits the memory of this process, in MiB; 0 for no limit. Where the system knows no such limit,
/// nothing happens.
pub(crate) fn limit_memory(mib: u64) {
    #[cfg(unix)]
    if mib > 0 {
        let bytes = mib.saturating_mul(1 << 20);
        let (_, hard) = rlimit::getrlimit(rlimit::Resource::AS).unwrap_or((bytes, bytes));
        // A limit that cannot be set protects less, and changes no result.
        let _ = rlimit::setrlimit(rlimit::Resource::AS, bytes.min(hard), hard);
    }
    #[cfg(not(unix))]
    let _ = mib;
}
