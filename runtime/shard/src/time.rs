//! Whether what a program does may hang on when its packets come.

use p4rmt_engine::{FieldUses, Interface, State};
use p4rmt_ir::{Block, CallKind, Gress, GressRole, HeaderId, StmtKind};

/// Header types in which a machine tells the time.
const TIMED: [&str; 2] = [
    "ingress_intrinsic_metadata_t",
    "egress_intrinsic_metadata_t",
];

/// What their fields are called in which it does, and those of v1model.
const TIMES: [&str; 4] = ["tstamp", "timestamp", "timedelta", "qdepth"];

/// Whether the program asks for the time, draws at random, or has meters. It may only be too careful.
pub(crate) fn observes_time(state: &State, interface: &Interface) -> bool {
    let gresses = &state.layout().pipe().gresses;
    gresses.iter().any(|(id, gress)| {
        let uses = FieldUses::new(gress);
        let mut intrinsics = gress.intrinsics.iter();
        let inputs = interface.gresses.get(id);
        let mut inputs = inputs.into_iter().flat_map(|interface| &interface.inputs);
        !gress.meters.is_empty()
            || !gress.randoms.is_empty()
            || intrinsics.any(|(name, field)| tells_time(name) && uses.is_read(*field))
            || inputs.any(|field| tells_time(&gress.fields[*field].name) && uses.is_read(*field))
            || header_tells(gress, &uses)
    })
}

fn tells_time(name: &str) -> bool {
    TIMES.iter().any(|time| name.contains(time))
}

/// Whether a header with the time is read there, sent on, or seen but not taken as that header.
fn header_tells(gress: &Gress, uses: &FieldUses) -> bool {
    if gress.role == GressRole::Whole {
        return false;
    }
    let timed = |id: HeaderId| TIMED.contains(&gress.headers[id].type_name.as_str());
    let headers = gress.headers.iter().filter(|(id, _)| timed(*id));
    let is_read = headers.flat_map(|(_, header)| &header.fields).any(|field| {
        let name = &gress.fields[*field].name;
        tells_time(name) && uses.is_read(*field)
    });
    let start = &gress.parser.states[gress.parser.start].body;
    let is_taken = start.first().is_some_and(|stmt| match &stmt.kind {
        StmtKind::Extract { header, .. } => timed(*header),
        _ => false,
    });
    is_read || !is_taken || emits(&gress.deparser.body, &timed)
}

/// Whether a block emits one of these headers, or puts fields that are not looked at here into a copy.
fn emits(block: &Block, is_wanted: &impl Fn(HeaderId) -> bool) -> bool {
    block.iter().any(|stmt| match &stmt.kind {
        StmtKind::Emit { header } => is_wanted(*header),
        StmtKind::If {
            then, otherwise, ..
        } => emits(then, is_wanted) || emits(otherwise, is_wanted),
        StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => emits(body, is_wanted),
        StmtKind::Call(call) => matches!(call.kind, CallKind::Generate { .. }),
        StmtKind::Apply { arms, .. } => arms.iter().any(|arm| emits(&arm.body, is_wanted)),
        StmtKind::Assign { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. } => false,
    })
}
