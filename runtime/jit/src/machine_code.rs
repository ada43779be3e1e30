//! Memory with compiled code in it, and calling it.

use std::mem::{ManuallyDrop, offset_of};

use cranelift_codegen::ir::{self, AbiParam, FuncRef, InstBuilder, MemFlagsData, Signature, types};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, default_libcall_names};

use crate::callbacks::Name;
use crate::frame::Frame;

/// Compiled code. It is freed with this, and nothing that it gave away outlives it.
pub(crate) struct MachineCode {
    pub(crate) module: ManuallyDrop<JITModule>,
    /// The callbacks in the order of [`Name::ALL`].
    callbacks: Vec<FuncId>,
    /// What compiled code calls instead, and whether it is there yet: functions that call them, change no register,
    /// and leave the answer in the frame. Most calls are rare; so they cost those registers that do
    /// not meet them nothing.
    keepers: Vec<(FuncId, bool)>,
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
        let signature = keeper_signature();
        let keepers = Name::ALL.iter().map(|(_, name, _)| {
            let name = format!("keep_{name}");
            let declared = module.declare_function(&name, Linkage::Local, &signature);
            (declared.expect("each is declared once"), false)
        });
        let keepers = keepers.collect();
        Some(Self {
            module: ManuallyDrop::new(module),
            callbacks,
            keepers,
        })
    }

    /// The callbacks as a function that is being made calls them, in the order of [`Name::ALL`].
    pub(crate) fn callbacks_in(&mut self, function: &mut ir::Function) -> Vec<FuncRef> {
        let keepers = self.keepers.iter();
        keepers
            .map(|(id, _)| self.module.declare_func_in_func(*id, function))
            .collect()
    }

    /// Makes a callback that is called.
    pub(crate) fn need(&mut self, name: Name) {
        let callback = self.callbacks[name as usize];
        let (id, is_there) = &mut self.keepers[name as usize];
        if std::mem::replace(is_there, true) {
            return;
        }
        let mut context = self.module.make_context();
        context.func.signature = keeper_signature();
        let callback = self
            .module
            .declare_func_in_func(callback, &mut context.func);
        let mut builder_context = FunctionBuilderContext::new();
        let mut b = FunctionBuilder::new(&mut context.func, &mut builder_context);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        b.seal_block(entry);
        let args = b.block_params(entry).to_vec();
        let call = b.ins().call(callback, &args);
        let answer = b.inst_results(call)[0];
        let offset = offset_of!(Frame, answer) as i32;
        let flags = MemFlagsData::new().with_notrap();
        b.ins().store(flags, answer, args[0], offset);
        b.ins().return_(&[]);
        b.finalize(self.module.target_config());
        self.module
            .define_function(*id, &mut context)
            .unwrap_or_else(|error| panic!("a call of `{name:?}` is not valid: {error:?}"));
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

/// Of callbacks: the frame and three numbers in, a number out.
fn callback_signature(convention: CallConv) -> Signature {
    let mut signature = Signature::new(convention);
    signature.params.extend([AbiParam::new(types::I64); 4]);
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

/// The same without an answer.
fn keeper_signature() -> Signature {
    let mut signature = callback_signature(CallConv::PreserveAll);
    signature.returns.clear();
    signature
}

impl Drop for MachineCode {
    fn drop(&mut self) {
        // SAFETY: taken once, here; functions are called through an instance that holds this.
        let module = unsafe { ManuallyDrop::take(&mut self.module) };
        // SAFETY: no code of the module runs any more, and nobody can call it again.
        unsafe { module.free_memory() };
    }
}
