# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The published models of docs/performance.md, for `bench/compare --all`: how the table calls each, the
end of the path of its file below the folders that are searched, and the options of its import. Two have
weights but no ONNX file: bench/peers/written.py writes them as what the last column says."""
import os
from collections import namedtuple

# steps: of a stream, the steps of one call (`--chunk`)
Published = namedtuple("Published", "name path options steps written")

MODELS = [
    Published("DTLN 1", "dtln/model_1.onnx", "--stream", 1, None),
    Published("DTLN 2", "dtln/model_2.onnx", "--stream", 1, None),
    Published("Silero VAD, 16 kHz", "silero_vad/silero_vad.onnx",
              "--stream --set sr=16000 --set input.1=576 --set state.1=1", 1, None),
    Published("FlashVAD", "flashvad_stream/flashvad-stream.onnx", "--stream", 1, None),
    Published("GTCRN", "gtcrn/gtcrn_simple.onnx", "--stream", 1, None),
    Published("RNNoise 0.1", "rnnoise_v0/weights_float.npz", "--stream", 1, "rnnoise"),
    Published("NAM WaveNet, A1 standard", "nam_core/wavenet_a1_standard.nam", "--stream", 64, "nam"),
    Published("DeepFilterNet3, encoder", "deepfilternet3_enc/enc.onnx", "--time 100", 1, None),
    Published("DeepFilterNet3, gains", "deepfilternet3_erb_dec/erb_dec.onnx", "--time 100", 1, None),
    Published("DeepFilterNet3, filters", "deepfilternet3_df_dec/df_dec.onnx", "--time 100", 1, None),
    Published("captcha CRNN", "captcha_crnn/captcha_crnn.onnx", "--time 160", 1, None),
]


def find(folders):
    """(the models whose files are there, with their whole paths; names of those that are not)"""
    found, lost = [], []
    for model in MODELS:
        paths = [os.path.join(folder, model.path) for folder in folders]
        path = next((p for p in paths if os.path.exists(p)), None)
        if path:
            found.append(model._replace(path=path))
        else:
            lost.append(model.name)
    return found, lost
