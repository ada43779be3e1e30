//! `p4rmt ctl`: what a running switch is asked, and what it says.

mod statement;
mod text;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;

use p4rmt_control::{Client, Event, Reply, Request, Switch as _};

use crate::args::ReportFormat;
use crate::check::print;
use crate::control_socket;
use crate::failure::Failure;
use statement::{Translator, Wish};

/// Read and write what a running program has: entries, registers, counters, meters, sessions.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
        p4rmt ctl 'add switching dst_addr:0x020000000001 forward(port:2)'\n  \
        p4rmt ctl register_read sent 2\n  \
        p4rmt ctl table_dump switching\n  \
        p4rmt ctl watch 2 digests\n  \
        p4rmt ctl --json '{\"read_register\":{\"register\":\"sent\",\"index\":0,\"count\":8}}'\n\n\
        Statements are those of vectors (testvectors/README.md) that set or read something, and\n  \
        modify TABLE [PRIORITY] MATCH… ACTION   the action of an entry that is there\n  \
        delete TABLE [PRIORITY] MATCH…          an entry\n  \
        table_clear TABLE | table_dump TABLE    all entries\n  \
        register_read NAME FIRST..LAST          a range, also of counter_read\n  \
        mc_mgrp_get GROUP | mc_mgrp_delete GROUP | mc_node_delete NODE\n  \
        profile_dump PROFILE | value_set_dump SET\n  \
        watch [PORT…] [digests]                 events as they come; all where nothing is named\n  \
        program | time                          what there is to be named; the time")]
pub(crate) struct Args {
    /// The socket of the switch. Without it: that of the `p4rmt run` of this user.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Take requests as JSON, one an argument or a line.
    #[arg(long)]
    json: bool,
    /// How replies and events are written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    /// End after so many events.
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// A statement, in one argument or several. Without any: a statement a line from standard input.
    #[arg(value_name = "STATEMENT")]
    statement: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let socket = args.socket.clone().unwrap_or_else(control_socket::path);
    let client = Client::connect(&socket).map_err(|error| Failure::Input(error.to_string()))?;
    let mut session = Session {
        args,
        translator: Translator::new(client),
    };
    if args.json {
        for text in &args.statement {
            session.request(text).map_err(Refused::of_arguments)?;
        }
    } else if !args.statement.is_empty() {
        let carried_out = session.statement(&args.statement.join(" "));
        return carried_out.map_err(Refused::of_arguments);
    }
    if args.statement.is_empty() {
        return session.lines();
    }
    Ok(())
}

/// Why something was not carried out.
pub(crate) enum Refused {
    /// It is no statement or request.
    Nonsense(String),
    /// The switch refuses it, or is out of reach.
    BySwitch(String),
}

impl From<p4rmt_control::ControlError> for Refused {
    fn from(error: p4rmt_control::ControlError) -> Self {
        Self::BySwitch(error.to_string())
    }
}

impl Refused {
    /// As what stands on the command line.
    fn of_arguments(self) -> Failure {
        match self {
            Self::Nonsense(why) => Failure::Usage(why),
            Self::BySwitch(why) => Failure::Input(why),
        }
    }
}

struct Session<'a> {
    args: &'a Args,
    translator: Translator,
}

impl Session<'_> {
    /// What standard input says, line by line, until one is refused.
    fn lines(&mut self) -> Result<(), Failure> {
        for (number, line) in (1..).zip(BufReader::new(std::io::stdin()).lines()) {
            let line = line.map_err(|error| Failure::Input(format!("standard input: {error}")))?;
            let carried_out = if self.args.json {
                self.request(&line)
            } else {
                self.statement(&line)
            };
            if let Err(Refused::Nonsense(why) | Refused::BySwitch(why)) = carried_out {
                return Err(Failure::Input(format!("line {number}: {why}")));
            }
        }
        Ok(())
    }

    /// A request as JSON.
    fn request(&mut self, text: &str) -> Result<(), Refused> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let request = serde_json::from_str(text);
        let request = request.map_err(|error| Refused::Nonsense(format!("no request: {error}")))?;
        if matches!(request, Request::Subscribe(_)) {
            return self.watch(&request);
        }
        self.ask(&request)
    }

    fn statement(&mut self, text: &str) -> Result<(), Refused> {
        match self.translator.wish(text)? {
            Wish::Nothing => Ok(()),
            Wish::Ask(requests) => requests.iter().try_for_each(|request| self.ask(request)),
            Wish::Watch(subscription) => self.watch(&Request::Subscribe(subscription)),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<(), Refused> {
        let reply = self.translator.client.call(request)?;
        let text = match self.args.format {
            ReportFormat::Text => {
                let description = self.translator.description_for(&reply)?;
                text::reply(request, &reply, description)
            }
            ReportFormat::Json => line_of(&reply),
        };
        if !text.is_empty() {
            print(&text);
        }
        Ok(())
    }

    /// Shows what happens until the switch ends, or there was enough.
    fn watch(&mut self, subscription: &Request) -> Result<(), Refused> {
        let reply = self.translator.client.call(subscription)?;
        if reply != Reply::Done {
            return Err(Refused::BySwitch(
                "the switch does not let us listen".to_owned(),
            ));
        }
        let mut left = self.args.events.unwrap_or(u64::MAX);
        while left > 0 {
            if let Some(event) = self.translator.client.next_event(None)? {
                left -= 1;
                let line = match self.args.format {
                    ReportFormat::Text => text::event(&event),
                    ReportFormat::Json => line_of::<Event>(&event),
                };
                // Whoever reads it may have had enough (`| head`).
                if writeln!(std::io::stdout(), "{line}").is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// As a line of JSON.
fn line_of<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("replies and events are plain data")
}
