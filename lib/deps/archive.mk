# Compiles the C files of one package into one static library. Called by
# deps.mk once per package, after the sources are there, so that patterns in
# the list of files find them; jobs are shared with the calling make.
#
#   archive  the library to make      objects  folder for the object files
#   source   folder of the package    files    names or patterns below it
#   cc, ar   compiler and archiver    flags    compiler flags

found := $(sort $(foreach f,$(files),$(if $(findstring *,$f),$(wildcard $(source)/$f),$(source)/$f)))
object := $(found:$(source)/%.c=$(objects)/%.o)

$(archive): $(object)
	@mkdir -p $(@D)
	@rm -f $@
	@$(ar) rcsD $@ $^

$(objects)/%.o: $(source)/%.c
	@mkdir -p $(@D)
	@$(cc) $(flags) -c -o $@ $<
