//! The map: what is in which stage, and the dependencies that put it there.
//!
//! A column a stage, ingress above egress, in the order of logical ids. Of the dependencies those are
//! drawn that bind: from one stage to the very next. Those of the longest chains are red.

use std::collections::{BTreeMap, HashMap, HashSet};

use maud::{Markup, html};

use super::short;
use crate::schema::{FitReport, GatewayReport};

const COLUMN: u32 = 168;
const GAP: u32 = 34;
const BOX: u32 = 17;
const ROW: u32 = 22;
const TOP: u32 = 24;
/// Characters of a name that a box has room for.
const NAME_CHARS: usize = 27;

/// A table, a part of one, or a gateway, drawn.
struct Node<'a> {
    name: &'a str,
    label: String,
    gress: &'static str,
    is_gateway: bool,
    title: String,
    x: u32,
    y: u32,
}

/// The section with the map.
pub(super) fn map(report: &FitReport) -> Markup {
    let nodes = nodes(report);
    let critical = critical_units(report);
    let links = links(report, &nodes);
    let width = report.stages_used.max(1) * (COLUMN + GAP);
    let height = nodes.iter().map(|node| node.y).max().unwrap_or(0) + ROW + 6;
    html! {
        section #map {
            h2 { "Where everything is" }
            p.key {
                span.swatch style="background:rgb(var(--ingress)/.4)" {} "ingress"
                span.swatch style="background:rgb(var(--egress)/.4)" {} "egress"
                span.swatch style="border:1px dashed var(--faint)" {} "condition"
                span.swatch style="background:#b42318" {} "on a longest chain; lines bind a unit to the stage before its own"
            }
            div.scroll {
                svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {height}")) width=(width) role="img" aria-label="tables and conditions by stage" {
                    @for stage in 0..report.stages_used {
                        text.stage x=(stage * (COLUMN + GAP)) y="14" { "stage " (stage) }
                    }
                    @for link in &links {
                        path.critical[link.is_critical] d=(link.path) {}
                    }
                    @for node in &nodes {
                        g class=(node.gress) {
                            g.gateway[node.is_gateway].critical[critical.contains(&(node.gress, node.name))] {
                                title { (node.title) }
                                rect x=(node.x) y=(node.y) width=(COLUMN) height=(BOX) rx="2" {}
                                text x=(node.x + 4) y=(node.y + 12) { (node.label) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The end of a name, which tells more than its beginning.
fn cut(name: &str) -> String {
    let length = name.chars().count();
    if length <= NAME_CHARS {
        return name.to_owned();
    }
    let kept: String = name.chars().skip(length - NAME_CHARS + 1).collect();
    format!("…{kept}")
}

/// Where a condition stands, which tells more than its name.
fn condition(gateway: &GatewayReport) -> String {
    let Some(span) = &gateway.span else {
        return cut(&gateway.name);
    };
    let file = span.file.rsplit('/').next().unwrap_or_default();
    cut(&format!("if {file}:{}", span.line))
}

fn nodes(report: &FitReport) -> Vec<Node<'_>> {
    // By gress and stage, with the order in it: a gateway before the table of its number.
    let mut columns: BTreeMap<(&str, u32), Vec<(u32, Node<'_>)>> = BTreeMap::new();
    for table in &report.tables {
        for part in &table.parts {
            let entries = if part.entries == 0 {
                "no key".to_owned()
            } else {
                format!("{} entries", part.entries)
            };
            let node = Node {
                name: &table.name,
                label: cut(short(&table.name)),
                gress: table.gress,
                is_gateway: false,
                title: format!(
                    "{}: {entries}, {} SRAM, {} TCAM",
                    table.name, part.sram, part.tcam
                ),
                x: 0,
                y: 0,
            };
            let column = columns.entry((table.gress, part.stage)).or_default();
            column.push((part.logical_id, node));
        }
    }
    for gateway in &report.gateways {
        let node = Node {
            name: &gateway.name,
            label: condition(gateway),
            gress: gateway.gress,
            is_gateway: true,
            title: format!("{}, {}", gateway.name, condition(gateway)),
            x: 0,
            y: 0,
        };
        let column = columns.entry((gateway.gress, gateway.stage)).or_default();
        column.push((u32::MAX, node));
    }
    let depth = |gress: &str| {
        let of_gress = columns.iter().filter(|((of, _), _)| *of == gress);
        of_gress.map(|(_, column)| column.len()).max().unwrap_or(0)
    };
    // Egress lies below all of the ingress.
    let below = u32::try_from(depth("ingress")).unwrap_or(0) * ROW + 8;
    let mut nodes = Vec::new();
    for ((gress, stage), mut column) in columns {
        column.sort_by_key(|(order, node)| (*order, node.name));
        let start = TOP + if gress == "egress" { below } else { 0 };
        for (row, (_, mut node)) in (0..).zip(column) {
            node.x = stage * (COLUMN + GAP);
            node.y = start + row * ROW;
            nodes.push(node);
        }
    }
    nodes
}

fn critical_units(report: &FitReport) -> HashSet<(&str, &str)> {
    let edges = report.dependencies.iter().filter(|edge| edge.is_critical);
    edges
        .flat_map(|edge| {
            [
                (edge.gress, edge.from.as_str()),
                (edge.gress, edge.to.as_str()),
            ]
        })
        .collect()
}

struct Link {
    path: String,
    is_critical: bool,
}

/// The dependencies that bind: from one stage to the next, each pair of units once.
fn links(report: &FitReport, nodes: &[Node<'_>]) -> Vec<Link> {
    let mut of_unit: HashMap<(&str, &str), Vec<&Node<'_>>> = HashMap::new();
    for node in nodes {
        of_unit
            .entry((node.gress, node.name))
            .or_default()
            .push(node);
    }
    let mut seen = HashSet::new();
    let mut links = Vec::new();
    for edge in &report.dependencies {
        let needs_later = matches!(edge.kind, "match" | "action" | "output");
        let ends = (
            of_unit.get(&(edge.gress, edge.from.as_str())),
            of_unit.get(&(edge.gress, edge.to.as_str())),
        );
        let (Some(from), Some(to)) = ends else {
            continue;
        };
        let (Some(from), Some(to)) = (
            from.iter().max_by_key(|n| n.x),
            to.iter().min_by_key(|n| n.x),
        ) else {
            continue;
        };
        let is_tight = from.x + COLUMN + GAP == to.x;
        if needs_later && is_tight && seen.insert((edge.gress, &edge.from, &edge.to)) {
            let (x0, y0) = (from.x + COLUMN, from.y + BOX / 2);
            let (x1, y1) = (to.x, to.y + BOX / 2);
            let bend = GAP / 2;
            links.push(Link {
                path: format!("M{x0} {y0}C{} {y0} {} {y1} {x1} {y1}", x0 + bend, x1 - bend),
                is_critical: edge.is_critical,
            });
        }
    }
    // Red lines over grey ones.
    links.sort_by_key(|link| link.is_critical);
    links
}
