// How a platform annotates the externs; nothing unless it says otherwise (tc/pna.p4 does).
#ifdef _PNA_TC
#define _PNA_ACCESS(WHO) @tc_acl(WHO)
#define _PNA_EXECUTED    @tc_md_exec
#define _PNA_SIZE        @tc_numel
#define _PNA_INITIAL     @tc_init_val
#define _PNA_READ        @tc_md_read
#define _PNA_WRITE       @tc_md_write
#define _PNA_KEY         @tc_key
#define _PNA_VALUE       @tc_data
#else
#define _PNA_ACCESS(WHO)
#define _PNA_EXECUTED
#define _PNA_SIZE
#define _PNA_INITIAL
#define _PNA_READ
#define _PNA_WRITE
#define _PNA_KEY
#define _PNA_VALUE
#endif
