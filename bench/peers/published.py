# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The published models of docs/performance.md, for `bench/compare --all`: how the table calls each, the
end of the path of its file below the folders that are searched, the options of its import, and whether
it is timed in WebAssembly as well."""
import os

MODELS = [
    # name, path, options of `grus import`, in WebAssembly
    ("DTLN 1", "dtln/model_1.onnx", "--stream", True),
    ("DTLN 2", "dtln/model_2.onnx", "--stream", True),
    ("Silero VAD, 16 kHz", "silero_vad/silero_vad.onnx", "--stream --set sr=16000 --set input.1=576 --set state.1=1", True),
    ("FlashVAD", "flashvad_stream/flashvad-stream.onnx", "--stream", True),
    ("GTCRN", "gtcrn/gtcrn_simple.onnx", "--stream", True),
    ("DeepFilterNet3, encoder", "deepfilternet3_enc/enc.onnx", "--time 100", True),
    ("DeepFilterNet3, gains", "deepfilternet3_erb_dec/erb_dec.onnx", "--time 100", True),
    ("DeepFilterNet3, filters", "deepfilternet3_df_dec/df_dec.onnx", "--time 100", True),
    ("captcha CRNN", "captcha_crnn/captcha_crnn.onnx", "--time 160", False),
]


def find(folders):
    """([name, path, options, web] of the files that are there, names of those that are not)"""
    found, lost = [], []
    for name, end, options, web in MODELS:
        paths = [os.path.join(folder, end) for folder in folders]
        path = next((p for p in paths if os.path.exists(p)), None)
        if path:
            found.append((name, path, options, web))
        else:
            lost.append(name)
    return found, lost
