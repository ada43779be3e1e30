// Externs of the Portable NIC Architecture. Platforms differ in what methods take; `_PNA_…` macros,
// which the platform's file defines, say which one is meant.

match_kind {
    range,
    selector,
    optional
}

enum PNA_IdleTimeout_t {
    NO_TIMEOUT,
    NOTIFY_CONTROL
#ifdef _PNA_MAIN_ONLY
    , AUTO_DELETE
#endif
}

enum PNA_HashAlgorithm_t {
#ifdef _PNA_NAMED_HASHES
    IDENTITY,
    CRC32,
    CRC32_CUSTOM,
    CRC16,
    CRC16_CUSTOM,
    ONES_COMPLEMENT16,
#endif
#ifdef _PNA_DPDK
    TOEPLITZ,
#endif
    TARGET_DEFAULT
}

extern Hash<O> {
    Hash(PNA_HashAlgorithm_t algo);
    _PNA_EXECUTED O get_hash<D>(in D data);
    // base + (hash % max)
    _PNA_EXECUTED O get_hash<T, D>(in T base, in D data, in T max);
}

extern Checksum<W> {
    Checksum(PNA_HashAlgorithm_t hash);
    void clear();
    void update<T>(in T data);
    W get();
}

extern InternetChecksum {
    InternetChecksum();
    void clear();
    void add<T>(in T data);
    void subtract<T>(in T data);
    bit<16> get();
    bit<16> get_state();
    void set_state(in bit<16> checksum_state);
}

enum PNA_CounterType_t {
    PACKETS,
    BYTES,
    PACKETS_AND_BYTES
}

@noWarn("unused") _PNA_ACCESS("RP:RUXP")
extern Counter<W, S> {
    Counter(_PNA_SIZE bit<32> n_counters, PNA_CounterType_t type);
#ifdef _PNA_OPTIONAL_LENGTH
    void count(in S index, @optional in bit<32> increment);
#else
    _PNA_EXECUTED void count(in S index);
#endif
#ifdef _PNA_DPDK
    void count(in S index, in bit<32> pkt_len);
#endif
}

@noWarn("unused") _PNA_ACCESS("RP:RUXP")
extern DirectCounter<W> {
    DirectCounter(PNA_CounterType_t type);
#ifdef _PNA_OPTIONAL_LENGTH
    void count(@optional in bit<32> increment);
#else
    _PNA_EXECUTED void count();
#endif
#ifdef _PNA_DPDK
    void count(in bit<32> pkt_len);
#endif
}

enum PNA_MeterType_t {
    PACKETS,
    BYTES
}

enum PNA_MeterColor_t {
    RED,
    GREEN,
    YELLOW
}

_PNA_ACCESS("RUP:RUXP")
extern Meter<S> {
    Meter(_PNA_SIZE bit<32> n_meters, PNA_MeterType_t type);
    _PNA_EXECUTED PNA_MeterColor_t execute(in S index, in PNA_MeterColor_t color);
    _PNA_EXECUTED PNA_MeterColor_t execute(in S index);
#ifdef _PNA_DPDK
    PNA_MeterColor_t dpdk_execute(in S index, in PNA_MeterColor_t color, in bit<32> pkt_len);
    PNA_MeterColor_t dpdk_execute(in S index, in bit<32> pkt_len);
#endif
}

_PNA_ACCESS("RUP:RUXP")
extern DirectMeter {
    DirectMeter(PNA_MeterType_t type);
#ifdef _PNA_OPTIONAL_LENGTH
    PNA_MeterColor_t execute(in PNA_MeterColor_t color, @optional in bit<32> pkt_len);
    PNA_MeterColor_t execute(@optional in bit<32> pkt_len);
#else
    _PNA_EXECUTED PNA_MeterColor_t execute(in PNA_MeterColor_t color);
    _PNA_EXECUTED PNA_MeterColor_t execute();
#endif
#ifdef _PNA_DPDK
    PNA_MeterColor_t dpdk_execute(in PNA_MeterColor_t color, in bit<32> pkt_len);
    PNA_MeterColor_t dpdk_execute(in bit<32> pkt_len);
#endif
}

extern Register<T, S> {
    Register(_PNA_SIZE bit<32> size);
    Register(_PNA_SIZE bit<32> size, _PNA_INITIAL T initial_value);
    _PNA_READ T read(_PNA_KEY in S index);
    _PNA_WRITE void write(_PNA_KEY in S index, _PNA_VALUE in T value);
}

extern Random<T> {
    // From `min` to `max`, both included.
    Random(T min, T max);
    T read();
}

extern ActionProfile {
    ActionProfile(bit<32> size);
}

extern ActionSelector {
    ActionSelector(PNA_HashAlgorithm_t algo, bit<32> size, bit<32> outputWidth);
}

extern Digest<T> {
    Digest();
    _PNA_EXECUTED void pack(in T data);
}
