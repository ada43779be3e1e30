// Block 7: the state of the DMA channel: a packet sequence number for each context's queue pair. It
// comes after the verdict, so that a packet that is dropped takes none.

control DmaState(inout egress_headers_t hdr, inout egress_metadata_t meta) {
    Register<bit<32>, context_t>(N_CONTEXTS, 0) dma_sequence;

    RegisterAction<bit<32>, context_t, bit<32>>(dma_sequence) take_number = {
        void apply(inout bit<32> value, out bit<32> number) {
            number = value;
            value = value + 1;
        }
    };
    action number_write() {
        meta.sequence = take_number.execute(hdr.transport.context);
    }
    action fill_number() {
        hdr.bth.sequence = meta.sequence[23:0];
    }

    apply {
        if (meta.is_written == 1) {
            number_write();
            fill_number();
        }
    }
}
