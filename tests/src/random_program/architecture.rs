//! The program around the controls.

use super::body::Side;
use super::values::literal;
use super::writer::Writer;

/// Writes a whole program.
pub(super) fn write_program(writer: &mut Writer) {
    writer.line("#include <core.p4>");
    if writer.is_v1model() {
        writer.line("#include <v1model.p4>");
        writer.line("error { Odd }");
        writer.line("struct fact_t { bit<16> a; bit<16> b; }");
    } else {
        writer.line("#include <t2na.p4>");
    }
    writer.types();
    let metadata = writer.metadata_type();
    if writer.is_v1model() {
        for _ in 0..writer.between(0, 2) {
            writer.function();
        }
        v1model(writer, &metadata);
    } else {
        tofino(writer, &metadata);
    }
}

impl Writer {
    /// The struct of metadata; returns its fields.
    fn metadata_type(&mut self) -> Vec<(String, u32)> {
        let widths: &[u32] = if self.is_v1model() {
            &[1, 8, 8, 9, 16, 32, 33, 64, 100, 128]
        } else {
            &[8, 8, 16, 16, 32, 32]
        };
        let mut fields = Vec::new();
        self.line("struct meta_t {");
        if self.is_v1model() {
            self.line("@field_list(1)");
            self.line("bit<8> turn;");
        }
        for index in 0..self.between(2, 6) {
            let width = self.pick(widths);
            if self.is_v1model() && self.chance(50) {
                self.line("@field_list(1)");
            }
            self.line(format!("bit<{width}> m{index};"));
            fields.push((format!("meta.m{index}"), width));
        }
        self.line("}");
        fields
    }

    /// Everything that a gress of the program can name.
    fn open_scope(&mut self, metadata: &[(String, u32)], is_writable: bool) {
        self.places.clear();
        self.bring_headers(is_writable);
        for (name, width) in metadata {
            self.bring(name.clone(), *width, true);
        }
    }

    /// The data of a check sum: some fields of the first header but its last one.
    fn summed(&mut self) -> (Vec<String>, Option<String>) {
        let header = self.headers[0].clone();
        let checksum = header.fields.iter().rev().find(|(_, width)| *width == 16);
        let checksum = checksum.map(|(field, _)| format!("{}.{field}", header.name));
        let fields = header.fields.iter();
        let data = fields
            .map(|(field, _)| format!("{}.{field}", header.name))
            .filter(|field| Some(field) != checksum.as_ref());
        (data.collect(), checksum)
    }
}

fn v1model(writer: &mut Writer, metadata: &[(String, u32)]) {
    const INTRINSIC: &str = "inout standard_metadata_t standard_metadata";
    writer.line(format!(
        "parser Parse(packet_in pkt, out headers_t hdr, inout meta_t meta, {INTRINSIC}) {{"
    ));
    writer.open_scope(metadata, false);
    writer.line("state start {");
    writer.states();
    writer.line("}");

    let (data, checksum) = writer.summed();
    let data = data.join(", ");
    writer.line("control Verify(inout headers_t hdr, inout meta_t meta) {");
    writer.line("apply {");
    if let Some(checksum) = checksum.as_ref().filter(|_| writer.random.below(3) == 0) {
        writer.line(format!(
            "verify_checksum(hdr.h0.isValid(), {{ {data} }}, {checksum}, HashAlgorithm.csum16);"
        ));
    }
    writer.line("}");
    writer.line("}");

    for (name, side) in [("MyIngress", Side::Ingress), ("MyEgress", Side::Egress)] {
        writer.line(format!(
            "control {name}(inout headers_t hdr, inout meta_t meta, {INTRINSIC}) {{"
        ));
        writer.open_scope(metadata, true);
        let standard = [
            ("standard_metadata.packet_length", 32),
            ("standard_metadata.instance_type", 32),
            ("standard_metadata.ingress_port", 9),
            ("standard_metadata.checksum_error", 1),
        ];
        for (field, width) in standard {
            writer.bring(field, width, false);
        }
        let mut declared = writer.declarations(side);
        writer.line("apply {");
        if side == Side::Ingress {
            writer.line("standard_metadata.egress_spec = 1;");
            writer.line("if (standard_metadata.parser_error == error.Odd) {");
            writer.line("standard_metadata.egress_spec = 2;");
            writer.line("}");
        }
        writer.apply_body(&mut declared);
        writer.line("}");
        writer.line("}");
    }

    writer.line("control Compute(inout headers_t hdr, inout meta_t meta) {");
    writer.line("apply {");
    if let Some(checksum) = checksum.as_ref().filter(|_| writer.random.below(2) == 0) {
        writer.line(format!(
            "update_checksum(hdr.h0.isValid(), {{ {data} }}, {checksum}, HashAlgorithm.csum16);"
        ));
    }
    writer.line("}");
    writer.line("}");
    writer.line("control Deparse(packet_out pkt, in headers_t hdr) {");
    writer.line("apply {");
    writer.emits();
    writer.line("}");
    writer.line("}");
    writer.line("V1Switch(Parse(), Verify(), MyIngress(), MyEgress(), Compute(), Deparse()) main;");
}

fn tofino(writer: &mut Writer, metadata: &[(String, u32)]) {
    for side in [Side::Ingress, Side::Egress] {
        let (block, short) = match side {
            Side::Ingress => ("Ingress", "ig"),
            Side::Egress => ("Egress", "eg"),
        };
        let intrinsic = block.to_lowercase();
        writer.line(format!(
            "parser {block}Parser(packet_in pkt, out headers_t hdr, out meta_t meta, \
             out {intrinsic}_intrinsic_metadata_t intr) {{"
        ));
        writer.open_scope(metadata, false);
        writer.line("state start {");
        writer.line("pkt.extract(intr);");
        if side == Side::Ingress {
            writer.line("pkt.advance(PORT_METADATA_SIZE);");
        }
        for (name, width) in metadata {
            let value = literal(&mut writer.random, *width);
            writer.line(format!("{name} = {value};"));
        }
        writer.states();
        writer.line("}");

        let rest = match side {
            Side::Ingress => "inout ingress_intrinsic_metadata_for_tm_t tm",
            Side::Egress => "inout egress_intrinsic_metadata_for_output_port_t oport",
        };
        writer.line(format!(
            "control {block}(inout headers_t hdr, inout meta_t meta, \
             in {intrinsic}_intrinsic_metadata_t intr, \
             in {intrinsic}_intrinsic_metadata_from_parser_t prsr, \
             inout {intrinsic}_intrinsic_metadata_for_deparser_t dprsr, {rest}) {{"
        ));
        writer.open_scope(metadata, true);
        let mut declared = writer.declarations(side);
        writer.line("apply {");
        if side == Side::Ingress {
            writer.line("tm.ucast_egress_port = 2;");
        }
        writer.apply_body(&mut declared);
        if side == Side::Ingress && writer.chance(20) {
            let condition = writer.condition(1);
            writer.line(format!("if ({condition}) {{"));
            writer.line("dprsr.drop_ctl = 1;");
            writer.line("}");
        }
        writer.line("}");
        writer.line("}");

        writer.line(format!(
            "control {block}Deparser(packet_out pkt, inout headers_t hdr, in meta_t meta, \
             in {intrinsic}_intrinsic_metadata_for_deparser_t dprsr) {{"
        ));
        let (data, checksum) = writer.summed();
        let checksum = checksum.filter(|_| writer.random.below(3) == 0);
        if checksum.is_some() {
            writer.line(format!("Checksum() {short}_sum;"));
        }
        writer.line("apply {");
        if let Some(checksum) = checksum {
            writer.line("if (hdr.h0.isValid()) {");
            writer.line(format!(
                "{checksum} = {short}_sum.update({{ {} }});",
                data.join(", ")
            ));
            writer.line("}");
        }
        writer.emits();
        writer.line("}");
        writer.line("}");
    }
    writer.line(
        "Pipeline(IngressParser(), Ingress(), IngressDeparser(), \
         EgressParser(), Egress(), EgressDeparser()) pipe;",
    );
    writer.line("Switch(pipe) main;");
}
