//! Which chunks must be in one group of containers: an action ALU sees no others.

use p4rmt_ir::Id;

use crate::phv::job::GressJob;
use crate::phv::layout::Chunk;
use crate::phv::operation::FieldSlice;

/// Chunks of one gress, by position, whose containers must be in one group.
pub(crate) fn clusters(job: &GressJob<'_>, chunks: &[Chunk]) -> Vec<Vec<usize>> {
    let mut by_field: Vec<Vec<usize>> = vec![Vec::new(); job.gress.fields.len()];
    for (position, chunk) in chunks.iter().enumerate() {
        for piece in &chunk.pieces {
            by_field[piece.slice.field.index()].push(position);
        }
    }
    let mut parents: Vec<usize> = (0..chunks.len()).collect();
    let find = |parents: &[usize], mut of: usize| {
        while parents[of] != of {
            of = parents[of];
        }
        of
    };
    let holds = |position: usize, slice: FieldSlice| {
        let pieces = &chunks[position].pieces;
        pieces
            .iter()
            .any(|piece| piece.slice.common(slice).is_some())
    };
    for action in &job.actions {
        for operation in &action.operations {
            for source in operation.effect.sources().iter().filter_map(|s| s.slice()) {
                for &to in &by_field[operation.dst.field.index()] {
                    for &from in &by_field[source.field.index()] {
                        let meets = parts_meet(operation.dst, source, &|part_of_dst, part| {
                            holds(to, part_of_dst) && holds(from, part)
                        });
                        if to != from && meets {
                            let (a, b) = (find(&parents, to), find(&parents, from));
                            parents[a.max(b)] = a.min(b);
                        }
                    }
                }
            }
        }
    }
    // Both halves of a wide value stand side by side.
    for (position, chunk) in chunks.iter().enumerate() {
        if chunk.has_upper && position + 1 < chunks.len() {
            let (a, b) = (find(&parents, position), find(&parents, position + 1));
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut clusters: Vec<Vec<usize>> = vec![Vec::new(); chunks.len()];
    for position in 0..chunks.len() {
        clusters[find(&parents, position)].push(position);
    }
    clusters.retain(|cluster| !cluster.is_empty());
    clusters
}

/// Whether, of some bits of a result and the bits of the source that go there, both are wanted.
fn parts_meet(
    dst: FieldSlice,
    source: FieldSlice,
    wanted: &dyn Fn(FieldSlice, FieldSlice) -> bool,
) -> bool {
    let width = dst.width().min(source.width());
    let mut bit = 0;
    while bit < width {
        // No container is cut finer than this, but for bits that share a byte.
        let part = |of: FieldSlice| FieldSlice {
            lo: of.lo + bit,
            hi: of.lo + bit,
            ..of
        };
        if wanted(part(dst), part(source)) {
            return true;
        }
        bit += 1;
    }
    false
}
