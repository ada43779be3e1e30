//! Running a command on every program below a folder: in parallel, each in a process of its own, so
//! that one that hangs or hits a bug of ours takes nothing else with it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Architecture, Language, ReportFormat};
use crate::check::{Report, Row, Verdict, print, to_json};
use crate::failure::Failure;

/// How a child process ended.
pub(crate) enum Ended {
    /// With this status and output.
    Done {
        /// Standard output.
        stdout: String,
        /// Standard error.
        stderr: String,
    },
    /// It was stopped when its time was over.
    TimedOut,
}

/// `p4rmt check --corpus`.
pub(crate) fn check(
    folder: &Path,
    language: &Language,
    limit: Duration,
    format: ReportFormat,
) -> Result<(), Failure> {
    let programs = p4_files(folder)?;
    let rows = in_parallel(&programs, |path| {
        let name = path
            .strip_prefix(folder)
            .unwrap_or(path)
            .display()
            .to_string();
        let row = |result, reason: String| Row {
            name: name.clone(),
            result,
            code: String::new(),
            reason,
        };
        let arguments = ["check", "--format", "json"];
        match run_child(path, &arguments, &[], language, limit)? {
            Ended::TimedOut => Ok(row(
                Verdict::Timeout,
                format!("took longer than {} s", limit.as_secs()),
            )),
            Ended::Done { stdout, stderr } => Ok(serde_json::from_str::<Report>(&stdout)
                .ok()
                .and_then(|report| report.programs.into_iter().next())
                .map(|row| Row {
                    name: name.clone(),
                    ..row
                })
                .unwrap_or_else(|| row(Verdict::Panic, first_lines(&stderr)))),
        }
    })?;
    match format {
        ReportFormat::Json => print(&to_json(&Report { programs: rows })),
        ReportFormat::Text => {
            for row in &rows {
                let verdict = format!("{:?}", row.result).to_lowercase();
                print(format!("{verdict:<12}{}  {} {}", row.name, row.code, row.reason).trim_end());
            }
            let count = |verdict| rows.iter().filter(|row| row.result == verdict).count();
            print(&format!(
                "{} programs: {} accepted, {} refused, {} unsupported, {} panics, {} timeouts",
                rows.len(),
                count(Verdict::Accepted),
                count(Verdict::Refused),
                count(Verdict::Unsupported),
                count(Verdict::Panic),
                count(Verdict::Timeout),
            ));
        }
    }
    Ok(())
}

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

/// Applies `work` to every path, on all cores. The results keep the order of the paths.
pub(crate) fn in_parallel<T: Send>(
    paths: &[PathBuf],
    work: impl Fn(&Path) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let progress = ProgressBar::new(paths.len() as u64).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} {eta}").expect("the template is fixed"),
    );
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<T, Failure>>>> =
        Mutex::new(paths.iter().map(|_| None).collect());
    let n_workers = std::thread::available_parallelism().map_or(1, usize::from);
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

/// Runs this program again on one file, with arguments before and after it.
pub(crate) fn run_child(
    path: &Path,
    before: &[&str],
    after: &[&str],
    language: &Language,
    limit: Duration,
) -> Result<Ended, Failure> {
    let failed = |source| Failure::Read {
        path: path.to_owned(),
        source,
    };
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command
        .args(before)
        .arg(path)
        .args(after)
        .args(["--color", "never"]);
    for folder in &language.include {
        command.arg("-I").arg(folder);
    }
    for define in &language.define {
        command.arg("-D").arg(define);
    }
    match language.arch {
        None => {}
        Some(Architecture::Tna) => {
            command.args(["--arch", "tna"]);
        }
        Some(Architecture::T2na) => {
            command.args(["--arch", "t2na"]);
        }
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let stdout = read_in_background(child.stdout.take());
    let stderr = read_in_background(child.stderr.take());
    let start = Instant::now();
    loop {
        if child.try_wait().map_err(failed)?.is_some() {
            let text = |reader: std::thread::JoinHandle<String>| reader.join().unwrap_or_default();
            let (stdout, stderr) = (text(stdout), text(stderr));
            return Ok(Ended::Done { stdout, stderr });
        }
        if start.elapsed() > limit {
            child.kill().map_err(failed)?;
            child.wait().map_err(failed)?;
            return Ok(Ended::TimedOut);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reads a pipe to its end, so that the child never waits for us.
fn read_in_background<R: Read + Send + 'static>(
    pipe: Option<R>,
) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What could be read is what there is: the child may be killed meanwhile.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The first lines of a child's last words.
pub(crate) fn first_lines(stderr: &str) -> String {
    stderr.lines().take(2).collect::<Vec<_>>().join(" ")
}
