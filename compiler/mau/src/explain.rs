//! What each code of this step means: its part of `p4rmt explain`.

use p4rmt_source::Explanation;

/// All codes in order.
#[must_use]
pub fn explanations() -> &'static [Explanation] {
    EXPLANATIONS
}

macro_rules! explanations {
    ($($code:literal $title:literal $text:literal $example:literal $help:literal;)*) => {
        const EXPLANATIONS: &[Explanation] = &[$(Explanation {
            code: $code, title: $title, text: $text, example: $example, help: $help,
        }),*];
    };
}

explanations! {
    "E0501" "too many stages"
    "A table that uses what another one writes stands in a later stage, and a stage holds only so much. The report says for each table why it is not one stage earlier, and how many stages the longest chain of dependencies takes by itself."
    "t1.apply(); t2.apply(); /* … each matching on what the one before wrote, more often than the machine has stages */"
    "shorten the longest chain: compute values side by side, from what is known early";
    "E0502" "more than a stage has"
    "Some things can't be divided: a register and all its users stand in one stage, with its memory and a spare block."
    "Register<bit<32>, bit<32>>(4000000) all_flows;"
    "make it smaller, or divide it into several registers with a table that chooses";
    "E0503" "an entry wider than a word"
    "An entry of an exact table lies in one word of up to eight memory blocks side by side, with its action data and a few bits more."
    "key = { hdr.long.part1: exact; /* … more than a thousand bits */ }"
    "match on a hash of the key, or in two tables";
    "E0504" "a range key that is too wide"
    "A range is compared by pieces of four bits, of which a table has five."
    "key = { hdr.ipv4.dst_addr: range; }"
    "match on the highest bits as a range, or use a ternary key";
    "E0505" "one memory, two stages"
    "A register, counter or meter stands in one stage, and so do all tables that use it. A table that needs the result of another one can't share its stage."
    "md.a = reg_read.execute(i); if (md.a == 0) { reg_write.execute(i); }"
    "do both in one register action: it reads, decides and writes at one instant";
    "E0506" "two memories in one table"
    "A table has one way to a stateful or meter ALU, and one to a counter. All its actions share it."
    "action a() { r1_count.execute(i); } action b() { r2_count.execute(i); } table t { actions = { a; b; } }"
    "reach the second memory from a second table";
    "E0507" "a stage that is not possible"
    "`@stage` asks for a stage. Dependencies and resources may rule it out."
    "@stage(0) table t { key = { md.computed_before: exact; } }"
    "remove the pragma, or name a later stage";
    "E0508" "a branch that can't be finished"
    "A machine without long branches follows a single chain of tables: all that a condition leads to stands before anything else of its gress. What tables in the branch need must therefore be placed in front of it."
    "if (c) { t1.apply(); } t2.apply(); /* t1 and t2 use one register */"
    "move what the branch needs in front of the condition, or use a machine with long branches";
    "E0510" "expression too deep"
    "An action ALU does one operation on at most two sources, and all of an action happens at once. What reads fields alone is computed in tables before, what builds on action data in tables behind; but behind an action that exits, or whose table leads on to something, there is no room."
    "action a(bit<32> x) { md.y = (md.a + x) & md.b; exit; }"
    "compute a part into a field in an action of an earlier table";
    "E0511" "an operation that no action ALU has"
    "Action ALUs add, subtract (also with saturation), shift by constants, do bitwise logic, and take the smaller or larger of two. They neither compare nor multiply."
    "action a() { md.x = md.a * md.b; }"
    "let a table with an entry for each case give the result, or write it as shifts and sums over several tables";
    "E0512" "two operands that are not fields"
    "Action data, results of hashes and of stateful ALUs reach an action ALU over one bus: an operation takes one of them, the other side is a field. They are joined in a table behind, but for an action that exits, or whose table leads on to something."
    "action a(bit<32> x, bit<32> y) { md.z = x + y; exit; }"
    "store one of them in a field in an earlier table";
    "E0513" "a condition that computes"
    "A gateway compares fields with constants and with each other. It has no arithmetic."
    "if (hdr.tcp.seq - md.expected == 0) { … }"
    "compute the difference into a field in an action before, and test that field";
    "E0514" "a condition that orders two fields"
    "A gateway knows whether two fields are equal, but orders a field only against a constant."
    "if (hdr.ipv4.total_len > md.mtu) { … }"
    "subtract in an action before, and test the sign bit of the result";
    "E0515" "a condition that orders too many bits"
    "A gateway orders twelve bits of a field against a constant. Those below the lowest one of the bound need not be looked at: `x < 4096` compares the bits above them with zero."
    "if (hdr.tcp.seq > 100000) { … }"
    "compare with a power of two, order the highest bits, or match on the field as a range in a table";
    "E0520" "too many register actions"
    "A stateful ALU holds four programs, for all the tables that use its register."
    "five RegisterActions of one Register"
    "merge programs that differ only in a value: pass it in a field";
    "E0521" "too many fields for a stateful ALU"
    "All programs of a stateful ALU share two operands. Each is a field, or a slice of one, and the same for all of them."
    "one RegisterAction reads md.a and md.b, another one of the same register md.a and md.c"
    "compute the operands into the same two fields before, whichever case it is";
    "E0522" "an operand wider than the element"
    "An operand is as wide as a value of the register's element at most."
    "Register<bit<16>, bit<8>>(256) r; /* and an action that reads a field of 32 bits */"
    "pass a slice of the field";
    "E0524" "a shape of element that does not exist"
    "An element is one value of 1, 8, 16, 32 or 64 bits, or a pair of equal ones; how wide exactly depends on the machine."
    "Register<bit<24>, bit<8>>(256) r;"
    "take the next larger width";
    "E0525" "too many comparisons"
    "A stateful ALU has two comparators, that of Tofino 2 four, for all conditions of one program together."
    "if (v == 0) { … } else if (v < md.a) { … } else if (v > md.b) { … }"
    "compute a comparison that needs no memory into a field before";
    "E0526" "a comparison that is too deep"
    "A comparator compares a sum of memory, one operand and a constant with zero."
    "if (value < md.a + md.b) { … }"
    "compute `md.a + md.b` into a field before";
    "E0527" "too many values computed"
    "One call computes two values. What is written back counts, even unchanged: a pair is two already. Returned can be, besides these, the old memory, an operand, or a comparison."
    "struct pair { bit<32> lo; bit<32> hi; } /* and an action that returns v.lo + md.a */"
    "return the old value, and add in a later table";
    "E0528" "too many outputs"
    "A stateful ALU returns one value a call, that of Tofino 2 four."
    "void apply(inout bit<32> v, out bit<32> a, out bit<32> b) /* on Tofino 1 */"
    "return fewer values, or divide the register into two";
    "E0529" "too many alternatives of a value"
    "A value has two programs of one operation each, each under its condition. To leave it alone takes none."
    "if (a) { v = 1; } else if (b) { v = 2; } else { v = 3; }"
    "let an earlier table choose the operand";
    "E0530" "a value that is too deep"
    "A value is one operation on memory or a constant and on a field or a constant, as they were before the call: no operation sees the result of another one."
    "v = v + md.a; v = v + 1;"
    "compute `md.a + 1` into a field before";
    "E0531" "an operation that no stateful ALU has"
    "A stateful ALU adds, subtracts (also with saturation), does bitwise logic, and takes the smaller or larger of two. It has neither shifts nor products, but a math unit for approximations."
    "v = v >> 1;"
    "approximate it by a math unit, or compute it before";
    "E0532" "arithmetic that is too wide"
    "Wider elements can be moved, but sums, logic and comparisons have 32 bits. Of 64 the low word can be computed alone, while the upper one stays."
    "Register<bit<64>, bit<8>>(256) r; /* and an action with v = v + 1 */"
    "make it a pair of 32 bits, and carry in a second table";
    "E0533" "two sources where there is one"
    "An operation and a comparison of a stateful ALU take one value of memory and one field. No two values of memory meet, and no two fields."
    "v.lo = v.lo + v.hi;"
    "return both and compute in a later table, or compute from fields into a metadata field before";
    "E0534" "bits of a value"
    "A stateful ALU reads and writes whole values. What it returns can be cut from the left only; comparators of Tofino 2 can mask what they compare."
    "if (v[7:4] == 3) { … }"
    "return the whole and take the bits in the action, or keep the parts as a pair";
    "E0535" "too many large constants"
    "Constants from -8 to 7 stand in the instructions. All others lie in a register file of four rows, which the actions of a register share; a RegisterParam takes a row, too."
    "v = v + 100; … v = v + 200; … v = v + 300; … v = v + 400; … v = v + 500;"
    "pass the constant in a field, which a table with entries sets";
    "E0536" "a constant that is too wide"
    "A row of the register file holds 32 bits (Tofino 2: 34), always with a sign, so that a number from 2^31 can't be compared as unsigned on Tofino 1."
    "if (v > 0xc0000000) { … }"
    "compare as signed numbers, or pass the constant in a field";
    "E0537" "more than one bit can do"
    "An element of one bit has instructions of its own: it is read, set or cleared, and the old bit or its complement comes out. There are no conditions and no operands."
    "Register<bit<1>, bit<8>>(256) r; /* and an action with v = md.flag */"
    "use an element of 8 bits, or choose between set and clear in a table before";
    "E0538" "the math unit where it does not lead"
    "A register has one math unit. It reads memory or a field, and feeds the second ALU of the first value; what it gives can be added to memory or a constant there."
    "v.hi = square.execute(v.hi);"
    "let it give the first value of the pair";
    "E0540" "no container is left"
    "Every field that is live stands in containers of 8, 16 or 32 bits, from the parser or the first write to the last read. Fields that are never live at the same time share them."
    "struct metadata_t { bit<512> scratch1; bit<512> scratch2; /* … all set by the parser, all read in the last stage */ }"
    "parse less, make metadata narrower, or make a header invalid where another one is added: headers that no packet has at one time share containers";
    "E0541" "more fields combined than an ALU sees"
    "An action ALU reads containers of its own group only. Fields that actions copy into one another or compute with must therefore all stand in one group."
    "action a() { md.x1 = hdr.h.a; } action b() { md.x1 = md.x2; } /* … on and on, over more fields than a group has containers */"
    "copy fewer fields into one another: let tables read the fields where they are, or write `@in_hash { md.x1 = md.x2; }`: what only moves bits or makes exclusive ors of them can come from the hash matrix, which sees all groups";
    "E0542" "too many sources for one container"
    "Fields of a header that share a byte stand in one container, and an action ALU fills it from two sources: other containers, itself where something stays, and data."
    "action a() { hdr.ipv4.dscp = md.dscp; hdr.ipv4.ecn = 2w1; } /* one byte with more than these in it */"
    "set one of the fields in an action of another table";
    "E0543" "arithmetic beside other fields"
    "Sums, differences and shifts work on whole containers. A field that shares its bytes with others can't be computed in place."
    "action a() { hdr.ipv4.ihl = hdr.ipv4.ihl + 1; } /* ihl shares a byte with version */"
    "compute into a metadata field, and move the result in a later table";
    "E0544" "operands that stand differently"
    "What an action ALU combines stands at the same bits of its containers: only a moved value is rotated."
    "action a() { md.x = hdr.h.high_nibble + md.y; }"
    "move the field into a metadata field in an earlier table, and combine that";
    "E0545" "two tables write one container in one stage"
    "In one stage, a packet's actions write each container once. Neighbours on the wire share a container where what they are moved into has a larger one."
    "t1.apply(); t2.apply(); /* in one stage: t1 sets hdr.a, t2 sets hdr.b, and t3 moves both into a sum of 16 bits */"
    "let one table write both, or make one of the tables depend on the other";
    "E0546" "a computation that is too wide"
    "Two containers side by side carry from one to the other. What is wider can be moved and matched, not computed."
    "action a() { md.sum128 = md.sum128 + 1; }"
    "compute on the bits that matter, or in two tables with a carry between them";
    "E0547" "too many headers"
    "The deparser looks at a bit for each header that it may emit, and there are only so many."
    "header_t[200] stack; /* … all emitted */"
    "emit headers that always come together as one header";
    "E0550" "too many transitions"
    "Each transition of a parser is a row of a small TCAM. A range takes a row for each of its prefixes, a value set one for each member, and a state that extracts much takes further rows."
    "value_set<bit<16>>(300) ports;"
    "replace ranges by masks, make value sets smaller, or select on fewer values";
    "E0551" "a look too far ahead"
    "A state of the parser sees the next 32 bytes."
    "packet.lookahead<bit<320>>()[7:0]"
    "extract or advance first, so that less lies ahead";
    "E0552" "a packet parsed too deep"
    "The parser stops at a certain depth of the packet, which differs between the gresses."
    "packet.advance(32w131072);"
    "stop parsing earlier; what is not parsed follows as payload";
    "E0553" "the parser advances by a value"
    "The cursor moves by what a row of the parser says, and that is a constant."
    "packet.advance((bit<32>) hdr.options.length * 8);"
    "select on the value, with a state that advances by a constant for each";
    "E0554" "a value set that is too wide"
    "A transition matches on a few bytes. A long select of constants is done in steps; the members of a value set are not known when that is decided."
    "value_set<bit<48>>(4) addresses;"
    "match on fewer bytes in the parser, and on the rest in a table";
    "E0555" "too many checksums"
    "A parser or deparser has a few checksum units, and each is busy from the first use to the last."
    "three Checksum() instances that one packet goes through, in a parser of Tofino 1"
    "verify or update fewer of them, or some in the other gress";
    "E0556" "the field dictionary is full"
    "The deparser puts a packet together from entries: containers, or chunks of eight bytes of a header."
    "header big_t { /* 200 bytes, of which actions write each */ }"
    "emit fewer headers, or join small ones into one";
    "E0557" "a message that is too long"
    "What goes to the control plane with a digest, or back to the parser with a resubmission, has a largest size."
    "struct report_t { bit<512> everything; }"
    "send fewer fields, or what the receiver can look them up by";
    "E0558" "too many kinds"
    "Digests, resubmissions and mirror headers are told apart by a few bits."
    "nine Digest<…>() instances in one deparser"
    "join kinds with the same fields, and tell them apart by a field";
    "E0560" "a division that no divider does"
    "Stateful ALUs of Tofino 1 have no divider. That of Tofino 2 has one, whose quotient and remainder can be returned, once a call; nothing computes with them, and memory does not take them."
    "v = v / md.a;"
    "return quotient or remainder, and store it in a register of a later table";
    "E0561" "the case of other comparisons"
    "`predicate()` returns one bit, whose number says which of the unit's comparators hold. What it is given takes the first comparators in its order, and the bit is right only if there are no others and each is one comparison of what was there before the call."
    "o = this.predicate(v == md.a); if (v == 3) { v = 0; }"
    "give it each comparison of the register action, before anything is written";
    "E0562" "a search in lanes that the unit does not do"
    "On Tofino 2, a register action can find the smallest or largest of the 8 or 16 bit lanes of a word of 128 bits, return number and index, and change that lane by a constant. This takes all that it computes with."
    "o = this.max16(v, 0xff); v[15:0] = 0;"
    "let one MinMaxAction find the lane, and another action of the register write";
    "E0563" "a comparison of wide values that is none of equality"
    "Sums have 32 bits. Whether 64 bits of memory and of a field are equal, all or those of a mask, two comparators of Tofino 2 can tell; what is more, and with which constant, none can."
    "Register<bit<64>, bit<8>>(256) r; /* and an action with v < md.wide */"
    "compare with a field for equality, or keep the parts as a pair of 32 bits";
    "E0564" "too many comparisons of wide values"
    "Two comparators of Tofino 2 compare 64 bits, each under one mask for all actions of the register."
    "if (v & 1 == md.w & 1 || v & 2 == md.w & 2 || v & 4 == md.w & 4) { … }"
    "compare under the same masks, or divide the register into two";
    "E0570" "one memory, called twice"
    "A packet reaches one cell of a register, counter or meter."
    "action count_both() { packets.count(md.a); packets.count(md.b); }"
    "call it once, and let a second table with a second counter do the rest";
    "E0571" "two indices of one memory"
    "What comes from fields and hashes reaches a memory through hash distribution, which gives a table one value."
    "action a() { md.x = r.execute(hdr.h.a); } action b() { md.x = r.execute(hdr.h.b); } /* of one table */"
    "bring the index into one field in a table before, and use that in both actions";
    "E0572" "an index from fields and one from the entry"
    "A table takes the index of a memory from its entries, or from hash distribution, for all of its actions."
    "action a() { md.x = r.execute(hdr.h.a); } action b(bit<32> i) { md.x = r.execute(i); } /* of one table */"
    "let a table before write the index into a field, and use that field in both actions";
    "E0573" "an index that is computed"
    "Hash distribution moves bits of fields and hashes to where an index is wanted; it does not add or shift them."
    "md.x = r.execute(hdr.h.a + hdr.h.b);"
    "compute the index into a metadata field in an action of an earlier table";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes stand in `problem.rs` and here; neither list knows one that the other does not.
    #[test]
    fn every_code_has_its_page() {
        let sources = [
            include_str!("problem.rs"),
            include_str!("phv/problem.rs"),
            include_str!("parde/problem.rs"),
        ];
        let codes_in = |source: &'static str| {
            let found = source.match_indices("\"E05");
            found.filter_map(|(at, _)| source.get(at + 1..at + 6))
        };
        let mut codes: Vec<&str> = sources.into_iter().flat_map(codes_in).collect();
        codes.sort_unstable();
        let pages: Vec<&str> = EXPLANATIONS.iter().map(|page| page.code).collect();
        assert_eq!(codes, pages);
    }
}
