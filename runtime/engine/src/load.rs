//! What every engine begins with when it loads a pipe.

use std::sync::Arc;

use p4rmt_ir::{Body, Gress, GressId, Id, PipeId, Program};

use crate::{EngineError, GressInterface, Interface, Mode, Schedule, StateLayout};

/// Finds the pipe, and gives every gress an interface.
///
/// # Errors
/// A pipe that the program has not, or whose state is too large.
pub fn open_pipe(
    program: &Arc<Program>,
    pipe_id: PipeId,
    interface: &mut Interface,
) -> Result<Arc<StateLayout>, EngineError> {
    let Some(pipe) = program.pipes.get(pipe_id) else {
        return Err(EngineError::NoPipe {
            pipe: pipe_id,
            available: program.pipes.len(),
        });
    };
    while interface.gresses.len() < pipe.gresses.len() {
        interface.gresses.push(GressInterface::default());
    }
    Ok(StateLayout::new(Arc::clone(program), pipe_id)?)
}

/// By field: its position among the watched ones.
///
/// # Errors
/// A field that the gress has not.
pub fn watched_positions(
    id: GressId,
    gress: &Gress,
    interface: &GressInterface,
) -> Result<Vec<Option<usize>>, EngineError> {
    let mut positions = vec![None; gress.fields.len()];
    for field in interface.inputs.iter().chain(&interface.watched) {
        if gress.fields.get(*field).is_none() {
            return Err(EngineError::NoField {
                gress: id,
                field: *field,
            });
        }
    }
    for (at, field) in interface.watched.iter().enumerate() {
        positions[field.index()] = Some(at);
    }
    Ok(positions)
}

/// The stages of a gress, where it is placed.
///
/// # Errors
/// A gress in the structured form, a placement of another gress.
pub fn schedule_of(
    id: GressId,
    gress: &Gress,
    mode: &Mode,
) -> Result<Option<Schedule>, EngineError> {
    match (mode, &gress.body) {
        (Mode::Unplaced, _) => Ok(None),
        (Mode::Placed(_), Body::Structured(_)) => Err(EngineError::NotTables { gress: id }),
        (Mode::Placed(placement), Body::Tables(tables)) => {
            let placed = placement.gresses.get(id);
            let placed = placed.ok_or(EngineError::PlacementMismatch {
                gress: id,
                what: "gresses",
                needed: id.index() + 1,
                available: placement.gresses.len(),
            })?;
            Schedule::new(id, gress, tables, placed, placement.stages_available).map(Some)
        }
    }
}
