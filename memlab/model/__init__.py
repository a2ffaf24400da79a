"""A network of one's own: described by its layers, placed, trained in situ, and recorded.

    from memlab.nn import layers

    with memlab.open_array("emulator:?seed=7&chip=ta-hfo2") as array:
        model = memlab.Model([layers.Dense(8, "tanh"), layers.Dense(3)], array, input_shape=4)
        run = model.fit(x, y, epochs=30, validation=0.2)
        print(run.metrics, model.predict(x_new).argmax(axis=-1))

`fit` leaves what every run leaves: one HDF5 file with the maps of every update and the codes of
every product, and a picture. `memlab runs show`, `plot`, `diff` and the others read it.
"""
