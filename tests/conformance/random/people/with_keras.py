# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nets of Keras as people write them: sequential and functional models."""
import keras
from keras import layers as L, ops
from nets import KERAS, net


def keras_net(*inputs): return net(*inputs, where=KERAS)


@keras_net("b 49 13")
def kws_conv_gru():
    return keras.Sequential([keras.Input((49, 13)), L.Conv1D(16, 5, strides=2, padding="same", use_bias=False), L.BatchNormalization(), L.ReLU(), L.MaxPooling1D(2),
                             L.Bidirectional(L.GRU(12, return_sequences=True)), L.GRU(12), L.Dense(16, activation="relu"), L.Dropout(0.3), L.Dense(10, activation="softmax")])


@keras_net("b 40 20 1")
def ds_cnn():
    x = i = keras.Input((40, 20, 1))
    x = L.ReLU()(L.BatchNormalization()(L.Conv2D(8, (10, 4), (2, 2), padding="same", use_bias=False)(x)))
    for m in (8, 12):
        x = L.ReLU()(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same", use_bias=False)(x)))
        x = L.ReLU()(L.BatchNormalization()(L.Conv2D(m, 1, use_bias=False)(x)))
    x = L.Reshape((20, 10 * 12))(x)
    x = L.GRU(12)(x)
    return keras.Model(i, L.Dense(12)(x))


@keras_net("b 32 24 1")
def crnn_ocr():
    x = i = keras.Input((32, 24, 1))
    x = L.MaxPooling2D((2, 2))(L.Conv2D(6, 3, activation="relu", padding="same", kernel_initializer="he_normal")(x))
    x = L.MaxPooling2D((1, 2))(L.Conv2D(8, 3, activation="relu", padding="same")(x))
    x = L.Dense(12, activation="relu")(L.Reshape((16, 6 * 8))(x))
    x = L.Bidirectional(L.LSTM(8, return_sequences=True, dropout=0.25))(x)
    x = L.Bidirectional(L.LSTM(6, return_sequences=True, dropout=0.25))(x)
    return keras.Model(i, L.Dense(11, activation="softmax")(x))


@keras_net("b 16 4")
def lstm_autoencoder():
    return keras.Sequential([keras.Input((16, 4)), L.LSTM(12, activation="relu", return_sequences=True), L.LSTM(6, activation="relu"), L.RepeatVector(16),
                             L.LSTM(6, activation="relu", return_sequences=True), L.LSTM(12, activation="relu", return_sequences=True), L.TimeDistributed(L.Dense(4))])


@keras_net("b 12 3")
def gru_seq2seq_forecast():
    return keras.Sequential([keras.Input((12, 3)), L.GRU(16), L.RepeatVector(6), L.GRU(16, return_sequences=True), L.TimeDistributed(L.Dense(8, activation="relu")), L.TimeDistributed(L.Dense(1))])


@keras_net("b 99 1")
def nilm_seq2point():
    return keras.Sequential([keras.Input((99, 1)), L.Reshape((1, 99, 1)), L.Conv2D(6, (10, 1), padding="same", activation="relu"), L.Conv2D(6, (8, 1), padding="same", activation="relu"),
                             L.Conv2D(8, (6, 1), padding="same", activation="relu"), L.Flatten(), L.Dense(16, activation="relu"), L.Dropout(0.2), L.Dense(1)])


@keras_net("b 60 1")
def nilm_bilstm():
    return keras.Sequential([keras.Input((60, 1)), L.Conv1D(8, 4, activation="linear", padding="same"), L.Bidirectional(L.LSTM(8, return_sequences=True), merge_mode="concat"),
                             L.Bidirectional(L.LSTM(12, return_sequences=False), merge_mode="concat"), L.Dense(16, activation="tanh"), L.Dense(1)])


@keras_net("b 64 8")
def deep_conv_lstm():
    return keras.Sequential([keras.Input((64, 8)), L.Reshape((64, 8, 1)), L.Conv2D(6, (5, 1), activation="relu"), L.Conv2D(6, (5, 1), activation="relu"), L.Permute((2, 1, 3)), L.Permute((2, 1, 3)),
                             L.TimeDistributed(L.Flatten()), L.LSTM(12, return_sequences=True), L.LSTM(12), L.Dense(5, activation="softmax")])


@keras_net("b 8 64 1")
def eegnet_gru():
    x = i = keras.Input((8, 64, 1))
    x = L.BatchNormalization()(L.Conv2D(4, (1, 16), padding="same", use_bias=False)(x))
    x = L.DepthwiseConv2D((8, 1), use_bias=False, depth_multiplier=2, depthwise_constraint=keras.constraints.MaxNorm(1.0))(x)
    x = L.AveragePooling2D((1, 4))(L.Activation("elu")(L.BatchNormalization()(x)))
    x = L.SeparableConv2D(8, (1, 8), use_bias=False, padding="same")(x)
    x = L.AveragePooling2D((1, 2))(L.Activation("elu")(L.BatchNormalization()(x)))
    x = L.GRU(8)(L.Reshape((8, 8))(x))
    return keras.Model(i, L.Dense(4, activation="softmax", kernel_constraint=keras.constraints.MaxNorm(0.25))(x))


@keras_net("b 96 12")
def ecg_se_bilstm():
    def se(x, c):
        w = L.GlobalAveragePooling1D(keepdims=True)(x)
        return L.Multiply()([x, L.Dense(c, activation="sigmoid")(L.Dense(c // 2, activation="relu")(w))])

    x = i = keras.Input((96, 12))
    for c in (8, 12):
        y = L.BatchNormalization()(L.Conv1D(c, 7, 2, padding="same")(x))
        y = L.Conv1D(c, 7, padding="same")(L.Activation("relu")(y))
        x = L.Activation("relu")(L.Add()([se(y, c), L.Conv1D(c, 1, 2, padding="same")(x)]))
    x = L.Bidirectional(L.LSTM(8, return_sequences=True))(x)
    x = L.Concatenate()([L.GlobalAveragePooling1D()(x), L.GlobalMaxPooling1D()(x)])
    return keras.Model(i, L.Dense(5, activation="sigmoid")(x))


@keras_net("b 20 :50")
def sentiment_attention():
    x = i = keras.Input((20,), dtype="int32")
    x = L.Embedding(50, 12)(x)
    x = L.SpatialDropout1D(0.2)(x)
    h = L.Bidirectional(L.LSTM(8, return_sequences=True))(x)
    a = L.Dense(1, activation="tanh")(h)
    a = L.Activation("softmax")(L.Flatten()(a))
    a = L.Permute((2, 1))(L.RepeatVector(16)(a))
    s = L.Multiply()([h, a])
    return keras.Model(i, L.Dense(3, activation="softmax")(L.GlobalAveragePooling1D()(s)))


@keras_net("b 20 :50")
def sentiment_dot_attention():
    x = i = keras.Input((20,), dtype="int32")
    h = L.LSTM(12, return_sequences=True)(L.Embedding(50, 10)(x))
    q = L.Dense(12)(h[:, -1])
    w = L.Softmax()(L.Dot(axes=(2, 1))([h, q]))
    c = L.Dot(axes=(1, 1))([w, h])
    return keras.Model(i, L.Dense(1, activation="sigmoid")(L.Concatenate()([c, h[:, -1]])))


@keras_net("b 8 :30", "b 5 :30")
def seq2seq_attention():
    s, t = keras.Input((8,), dtype="int32"), keras.Input((5,), dtype="int32")
    keys, h, c = L.LSTM(12, return_sequences=True, return_state=True)(L.Embedding(30, 8)(s))
    d = L.LSTM(12, return_sequences=True)(L.Embedding(30, 8)(t), initial_state=[h, c])
    a = L.AdditiveAttention()([d, keys])
    return keras.Model([s, t], L.TimeDistributed(L.Dense(30, activation="softmax"))(L.Concatenate()([d, a])))


@keras_net("b 8 :30", "b 5 :30")
def seq2seq_luong():
    s, t = keras.Input((8,), dtype="int32"), keras.Input((5,), dtype="int32")
    keys, h = L.GRU(12, return_sequences=True, return_state=True)(L.Embedding(30, 8)(s))
    d = L.GRU(12, return_sequences=True)(L.Embedding(30, 8)(t), initial_state=h)
    a = L.Attention()([d, keys])
    return keras.Model([s, t], L.Dense(30)(L.Dense(12, activation="tanh")(L.Concatenate()([d, a]))))


@keras_net("b 10 :50", "b 10 6 :26")
def ner_char_cnn():
    w, c = keras.Input((10,), dtype="int32"), keras.Input((10, 6), dtype="int32")
    x = L.TimeDistributed(L.Embedding(26, 6))(c)
    x = L.TimeDistributed(L.Conv1D(8, 3, padding="same", activation="tanh"))(x)
    x = L.TimeDistributed(L.GlobalMaxPooling1D())(x)
    y = L.Concatenate()([L.Embedding(50, 12)(w), x])
    return keras.Model([w, c], L.Dense(7, activation="softmax")(L.Bidirectional(L.LSTM(8, return_sequences=True))(y)))


@keras_net("b 10 6 :26")
def ner_char_lstm():
    c = keras.Input((10, 6), dtype="int32")
    x = L.TimeDistributed(L.Embedding(26, 6))(c)
    x = L.TimeDistributed(L.Bidirectional(L.LSTM(5)))(x)
    return keras.Model(c, L.Dense(7, activation="softmax")(L.Bidirectional(L.GRU(8, return_sequences=True))(x)))


@keras_net("b 20 5")
def deepar():
    x = i = keras.Input((20, 5))
    h = L.LSTM(12, return_sequences=True)(L.LSTM(12, return_sequences=True)(x))
    return keras.Model(i, [L.Dense(1)(h), L.Dense(1, activation="softplus")(h)])


@keras_net("b 40 3")
def lstm_fcn():
    i = keras.Input((40, 3))
    h = L.Dropout(0.8)(L.LSTM(8)(L.Permute((2, 1))(i)))
    y = i
    for m, k in ((8, 8), (12, 5), (8, 3)): y = L.Activation("relu")(L.BatchNormalization()(L.Conv1D(m, k, padding="same", kernel_initializer="he_uniform")(y)))
    return keras.Model(i, L.Dense(4, activation="softmax")(L.Concatenate()([h, L.GlobalAveragePooling1D()(y)])))


@keras_net("b 32 2")
def tcn_residual():
    x = i = keras.Input((32, 2))
    for d in (1, 2, 4):
        y = L.SpatialDropout1D(0.1)(L.Activation("relu")(L.LayerNormalization()(L.Conv1D(8, 3, dilation_rate=d, padding="causal")(x))))
        y = L.SpatialDropout1D(0.1)(L.Activation("relu")(L.LayerNormalization()(L.Conv1D(8, 3, dilation_rate=d, padding="causal")(y))))
        x = L.Activation("relu")(L.Add()([y, L.Conv1D(8, 1)(x) if x.shape[-1] != 8 else x]))
    return keras.Model(i, L.Dense(1)(x[:, -1, :]))


@keras_net("b 48 1")
def wavenet_gated():
    x = i = keras.Input((48, 1))
    x, skips = L.Conv1D(8, 1)(x), []
    for d in (1, 2, 4, 8):
        f, g = L.Conv1D(8, 2, dilation_rate=d, padding="causal")(x), L.Conv1D(8, 2, dilation_rate=d, padding="causal")(x)
        z = L.Multiply()([L.Activation("tanh")(f), L.Activation("sigmoid")(g)])
        z = L.Conv1D(8, 1)(z)
        x = L.Add()([x, z])
        skips.append(z)
    y = L.Conv1D(6, 1, activation="relu")(L.Activation("relu")(L.Add()(skips)))
    return keras.Model(i, L.Conv1D(1, 1)(y))


@keras_net("b 64 1")
def unet_lstm():
    x = i = keras.Input((64, 1))
    a = L.Conv1D(6, 5, 2, padding="same", activation="relu")(x)
    b = L.Conv1D(8, 5, 2, padding="same", activation="relu")(a)
    b = L.Bidirectional(L.LSTM(4, return_sequences=True))(b)
    u = L.Conv1D(6, 5, padding="same", activation="relu")(L.UpSampling1D(2)(b))
    u = L.Concatenate()([u, a])
    u = L.Conv1DTranspose(6, 4, 2, padding="same", activation="relu")(u)
    return keras.Model(i, L.Conv1D(1, 1, activation="tanh")(u))


@keras_net("b 30 33")
def nsnet2():
    x = i = keras.Input((30, 33))
    x = ops.log10(ops.maximum(ops.square(x), 1e-12))
    x = L.GRU(16, return_sequences=True)(L.GRU(16, return_sequences=True)(L.Dense(16)(x)))
    return keras.Model(i, L.Dense(33, activation="sigmoid")(L.Dense(24, activation="relu")(x)))


@keras_net("b 30 42")
def rnnoise():
    i = keras.Input((30, 42))
    d = L.Dense(24, activation="tanh", name="input_dense")(i)
    v = L.GRU(24, activation="tanh", recurrent_activation="sigmoid", return_sequences=True, reset_after=False)(d)
    n = L.GRU(48, activation="relu", recurrent_activation="sigmoid", return_sequences=True, reset_after=False)(L.concatenate([d, v, i]))
    g = L.GRU(96, activation="tanh", recurrent_activation="sigmoid", return_sequences=True, reset_after=False)(L.concatenate([v, n, i]))
    return keras.Model(i, [L.Dense(22, activation="sigmoid", name="gains")(g), L.Dense(1, activation="sigmoid", name="vad")(v)])


@keras_net("b 40 16", "b 6")
def film_conditioned_gru():
    i, c = keras.Input((40, 16)), keras.Input((6,))
    h = L.GRU(12, return_sequences=True)(i)
    g, b = L.Dense(12)(c), L.Dense(12)(c)
    h = L.Add()([L.Multiply()([h, L.RepeatVector(40)(g)]), L.RepeatVector(40)(b)])
    return keras.Model([i, c], L.Dense(2)(L.GRU(8)(h)))


@keras_net("b 40 20")
def d_vector():
    x = i = keras.Input((40, 20))
    x = L.LSTM(16)(L.LSTM(16, return_sequences=True)(x))
    return keras.Model(i, L.UnitNormalization()(L.Dense(8)(x)))


@keras_net("b 20 5")
def statistics_pooling():
    x = i = keras.Input((20, 5))
    x = L.Conv1D(8, 3, activation="relu")(x)
    x = L.Conv1D(8, 3, dilation_rate=2, activation="relu")(x)
    return keras.Model(i, L.Dense(4)(L.Concatenate()([ops.mean(x, axis=1), ops.std(x, axis=1)])))


@keras_net("b 12 6")
def stacked_cells():
    return keras.Sequential([keras.Input((12, 6)), L.RNN([L.LSTMCell(8), L.GRUCell(8), L.SimpleRNNCell(6)], return_sequences=True), L.TimeDistributed(L.Dense(3, activation="softmax"))])


@keras_net("b 12 6")
def selu_alpha_lstm():
    return keras.Sequential([keras.Input((12, 6)), L.GaussianNoise(0.1), L.LSTM(8, activation="softsign", recurrent_activation="hard_sigmoid", unit_forget_bias=False, return_sequences=True),
                             L.AlphaDropout(0.1), L.TimeDistributed(L.Dense(6, activation="selu")), L.AveragePooling1D(3), L.SimpleRNN(5, activation="relu"), L.LeakyReLU(negative_slope=0.2), L.Dense(2)])


@keras_net("b 3 8 8 2")
def conv_frames_lstm():
    return keras.Sequential([keras.Input((3, 8, 8, 2)), L.TimeDistributed(L.Conv2D(4, 3, activation="relu")), L.TimeDistributed(L.MaxPooling2D(2)), L.TimeDistributed(L.Flatten()), L.LSTM(6), L.Dense(3)])


@keras_net("b 24 4")
def tft_gates():
    def grn(x, m):
        y = L.Dense(m)(L.Dense(m, activation="elu")(x))
        y = L.Multiply()([L.Dense(m)(y), L.Dense(m, activation="sigmoid")(y)])
        return L.LayerNormalization()(L.Add()([L.Dense(m)(x) if x.shape[-1] != m else x, y]))

    x = i = keras.Input((24, 4))
    h = L.LSTM(8, return_sequences=True)(grn(x, 8))
    a = L.MultiHeadAttention(2, 4)(h, h, use_causal_mask=True)
    return keras.Model(i, L.Dense(3)(grn(L.LayerNormalization()(L.Add()([h, a])), 8)))


@keras_net("b 12 :60")
def gru4rec():
    x = i = keras.Input((12,), dtype="int32")
    return keras.Model(i, L.Dense(60, activation="softmax")(L.GRU(16)(L.Dropout(0.2)(L.Embedding(60, 12)(x)))))


@keras_net("b 16 3")
def quantile_heads():
    x = i = keras.Input((16, 3))
    h = L.GRU(12)(L.Conv1D(8, 3, padding="causal", activation="swish")(x))
    low = L.Dense(1)(h)
    return keras.Model(i, L.Concatenate()([low, low + ops.softplus(L.Dense(1)(h))]))


@keras_net("b 20 9")
def har_residual_bilstm():
    x = i = keras.Input((20, 9))
    x = L.Dense(16, activation="relu")(x)
    for _ in range(2): x = L.BatchNormalization()(L.Add()([x, L.Bidirectional(L.LSTM(8, return_sequences=True, recurrent_dropout=0.1), merge_mode="concat")(x)]))
    x = L.Bidirectional(L.LSTM(16), merge_mode="ave")(x)
    return keras.Model(i, L.Dense(6, activation="softmax")(x))


@keras_net("b 16 8")
def performer_positions():
    x = i = keras.Input((16, 8))
    p = L.Embedding(16, 8)(ops.arange(0, 16))
    x = x + p
    x = L.LayerNormalization(epsilon=1e-6)(x + L.MultiHeadAttention(2, 4)(x, x))
    return keras.Model(i, L.Dense(2)(L.GRU(8)(x)))
