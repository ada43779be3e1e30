//! Memory with compiled code in it, and calling it.

use std::mem::ManuallyDrop;

use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, default_libcall_names};

use crate::callbacks::Name;
use crate::compile::callback_signature;
use crate::frame::Frame;

/// Compiled code. It is freed with this, and nothing that it gave away outlives it.
pub(crate) struct MachineCode {
    pub(crate) module: ManuallyDrop<JITModule>,
    /// The callbacks in the order of [`Name::ALL`].
    pub(crate) callbacks: Vec<FuncId>,
}

/// A compiled function, good as long as its [`MachineCode`].
#[derive(Clone, Copy)]
pub(crate) struct Function(extern "C" fn(*mut Frame));

impl MachineCode {
    /// Room for code of the machine that this runs on; nothing if Cranelift does not know it.
    pub(crate) fn new() -> Option<Self> {
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", "speed"),
            ("use_colocated_libcalls", "false"),
            ("is_pic", "false"),
            (
                "enable_verifier",
                if cfg!(debug_assertions) {
                    "true"
                } else {
                    "false"
                },
            ),
        ] {
            flags
                .set(name, value)
                .expect("Cranelift has these settings");
        }
        let isa = cranelift_native::builder().ok()?;
        let isa = isa.finish(settings::Flags::new(flags)).ok()?;
        let mut builder = JITBuilder::with_isa(isa, default_libcall_names());
        for (_, name, callback) in Name::ALL {
            builder.symbol(name, callback as *const u8);
        }
        let mut module = JITModule::new(builder);
        let signature = callback_signature(module.isa().default_call_conv());
        let callbacks = Name::ALL.iter().map(|(_, name, _)| {
            let declared = module.declare_function(name, Linkage::Import, &signature);
            declared.expect("each callback is declared once")
        });
        let callbacks = callbacks.collect();
        Some(Self {
            module: ManuallyDrop::new(module),
            callbacks,
        })
    }

    /// Makes a function that was defined ready to be called.
    pub(crate) fn finish(&mut self, id: FuncId) -> Function {
        self.module
            .finalize_definitions()
            .expect("memory for code can be made executable");
        let address = self.module.get_finalized_function(id);
        // SAFETY: the function was compiled with this signature.
        Function(unsafe { std::mem::transmute::<*const u8, extern "C" fn(*mut Frame)>(address) })
    }
}

impl Function {
    /// Runs the packet of the frame.
    ///
    /// # Safety
    /// The code is still there, and every pointer of the frame is good for what its field says.
    pub(crate) unsafe fn run(self, frame: &mut Frame) {
        (self.0)(frame);
    }
}

impl Drop for MachineCode {
    fn drop(&mut self) {
        // SAFETY: taken once, here; functions are called through an instance that holds this.
        let module = unsafe { ManuallyDrop::take(&mut self.module) };
        // SAFETY: no code of the module runs any more, and nobody can call it again.
        unsafe { module.free_memory() };
    }
}
